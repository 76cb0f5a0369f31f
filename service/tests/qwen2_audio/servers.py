"""Stand-ins for where models come from, to be served by this machine."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass
class Hub:
    """The hub as far as a download calls it; every model is this folder, but for those that it refuses."""

    folder: Path
    tokens: list[str] = field(default_factory=list)
    """What it was sent as authorization."""

    def reply(self, request: Request) -> Response:
        path = request.url.path
        commit = "0123456789abcdef0123456789abcdef01234567"
        self.tokens.append(request.headers.get("authorization", ""))
        refusals = {"gated": (403, "GatedRepo"), "private": (401, "RepoNotFound"), "v9": (404, "RevisionNotFound")}
        for word, (status, code) in refusals.items():
            if word in path:
                return JSONResponse({}, status, {"X-Error-Code": code, "X-Error-Message": "no"})
        files = list(self.folder.iterdir())
        if "/tree/" in path:
            return JSONResponse(
                [{"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0"} for file in files]
            )
        if path.startswith("/api/models/"):
            siblings = [{"rfilename": file.name} for file in files]
            return JSONResponse({"id": "some/model", "sha": commit, "siblings": siblings})
        file = self.folder / path.rpartition("/")[2]
        if not file.is_file():
            return JSONResponse({}, 404)  # the client also asks for what has nothing to do with models
        body = file.read_bytes()
        return Response(body, 200, {"ETag": f'"{len(body)}"', "X-Repo-Commit": commit, "Accept-Ranges": "none"})


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
