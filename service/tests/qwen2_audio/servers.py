"""A stand-in for Cloud Storage, to be served by this machine."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass
class Storage:
    """Cloud Storage's JSON API as far as loading calls it; the bucket `weights` holds these objects."""

    objects: dict[str, bytes] = field(default_factory=dict)
    refusals: list[int] = field(default_factory=list)
    """Statuses with which the next reads of weights are answered."""
    whole: bool = False
    """Ranges are not heeded."""
    replaced_after: int | None = None
    """So many ranges are read before the object is another one."""
    reads: list[tuple[str, int, int]] = field(default_factory=list)
    """Ranges that were read, `(object, first byte, bytes)`."""

    def reply(self, request: Request) -> Response:
        parts = request.scope["raw_path"].decode().split("/")  # raw, as the names of objects have slashes too
        if "weights" not in parts:
            return self.refusal(403 if "secret" in parts else 404)
        if parts[-1] == "weights":
            return JSONResponse({"kind": "storage#bucket", "name": "weights"})
        if parts[-1] == "o":
            return self.listing(request.query_params)
        name = unquote(parts[-1])
        if self.refusals and name.endswith(".safetensors"):
            return self.refusal(self.refusals.pop())
        if len(self.reads) == self.replaced_after:
            self.objects[name] += b"other"
        data = self.objects[name]
        if request.query_params.get("generation") != generation(data):
            return self.refusal(404)
        told = {"X-Goog-Generation": generation(data)}
        if "range" not in request.headers or self.whole:
            return Response(data, 200, told)
        first, last = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
        body = data[first : last + 1]
        self.reads.append((name, first, len(body)))
        told["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{len(data)}"
        return Response(body, 206, told)

    def listing(self, query: QueryParams) -> Response:
        prefix, delimiter = query.get("prefix", ""), query["delimiter"]
        items = [
            {"name": name, "bucket": "weights", "size": str(len(data)), "generation": generation(data)}
            for name, data in self.objects.items()
            if name.startswith(prefix) and delimiter not in name.removeprefix(prefix)
        ]
        return JSONResponse({"kind": "storage#objects", "items": items})

    def refusal(self, status: int) -> Response:
        return JSONResponse({"error": {"code": status, "message": "no"}}, status)


def generation(data: bytes) -> str:
    return str(zlib.crc32(data))
