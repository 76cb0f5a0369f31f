"""Stand-ins for where models come from, as servers of this machine."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(reply: Callable[[str, dict[str, str]], Reply]) -> Iterator[str]:
    """An HTTP server of this machine that answers a path and headers; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = reply(self.path, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the base class's way of naming methods

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@dataclass
class Hub:
    """The hub as far as a download calls it; every model is this folder, but for those that it refuses."""

    folder: Path
    tokens: list[str] = field(default_factory=list)
    """What it was sent as authorization."""

    def reply(self, path: str, headers: dict[str, str]) -> Reply:
        commit = "0123456789abcdef0123456789abcdef01234567"
        self.tokens.append(headers.get("authorization", ""))
        refusals = {"gated": (403, "GatedRepo"), "private": (401, "RepoNotFound"), "v9": (404, "RevisionNotFound")}
        for word, (status, code) in refusals.items():
            if word in path:
                return status, {"X-Error-Code": code, "X-Error-Message": "no"}, b"{}"
        files = list(self.folder.iterdir())
        if "/tree/" in path:
            tree = [{"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0"} for file in files]
            return 200, {}, json.dumps(tree).encode()
        if path.startswith("/api/models/"):
            siblings = [{"rfilename": file.name} for file in files]
            return 200, {}, json.dumps({"id": "some/model", "sha": commit, "siblings": siblings}).encode()
        body = (self.folder / path.rpartition("/")[2]).read_bytes()
        return 200, {"ETag": f'"{len(body)}"', "X-Repo-Commit": commit, "Accept-Ranges": "none"}, body


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

    def reply(self, path: str, headers: dict[str, str]) -> Reply:
        url = urlparse(path)
        parts = url.path.split("/")
        if "weights" not in parts:
            return self.refusal(403 if "secret" in parts else 404)
        if parts[-1] == "weights":
            return 200, {}, json.dumps({"kind": "storage#bucket", "name": "weights"}).encode()
        if parts[-1] == "o":
            return self.listing(parse_qs(url.query))
        name = unquote(parts[-1])
        if self.refusals and name.endswith(".safetensors"):
            return self.refusal(self.refusals.pop())
        if len(self.reads) == self.replaced_after:
            self.objects[name] += b"other"
        data = self.objects[name]
        if parse_qs(url.query).get("generation") != [generation(data)]:
            return self.refusal(404)
        told = {"X-Goog-Generation": generation(data)}
        if "range" not in headers or self.whole:
            return 200, told, data
        first, last = map(int, headers["range"].removeprefix("bytes=").split("-"))
        body = data[first : last + 1]
        self.reads.append((name, first, len(body)))
        return 206, told | {"Content-Range": f"bytes {first}-{first + len(body) - 1}/{len(data)}"}, body

    def listing(self, query: dict[str, list[str]]) -> Reply:
        [prefix], [delimiter] = query.get("prefix", [""]), query["delimiter"]
        items = [
            {"name": name, "bucket": "weights", "size": str(len(data)), "generation": generation(data)}
            for name, data in self.objects.items()
            if name.startswith(prefix) and delimiter not in name.removeprefix(prefix)
        ]
        return 200, {}, json.dumps({"kind": "storage#objects", "items": items}).encode()

    def refusal(self, status: int) -> Reply:
        return status, {}, json.dumps({"error": {"code": status, "message": "no"}}).encode()


def generation(data: bytes) -> str:
    return str(zlib.crc32(data))
