"""The hub as far as downloads call it, served by this machine: https://huggingface.co/docs/hub/api.

Every model is the same folder. Its weights are large files, as the hub has them, which are known by their SHA-256; the
others by git's hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.processes import answering

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_REFUSALS = {"gated": (403, "GatedRepo"), "private": (401, "RepoNotFound"), "v9": (404, "RevisionNotFound")}
"""By what the address has in it."""


@dataclass
class Hub:
    """What it serves, and what it was asked."""

    folder: Path
    address: str = ""
    tokens: list[str] = field(default_factory=list)
    """What it was sent as authorization."""
    read: list[tuple[str, str]] = field(default_factory=list)
    """Files that were downloaded, and the range of each that was asked for, or nothing."""
    cut: dict[str, int] = field(default_factory=dict)
    """Files of which the next download ends after so many bytes, without a word."""
    held: dict[str, Event] = field(default_factory=dict)
    """Files of which a download stays at its first half until then."""
    damaged: set[str] = field(default_factory=set)
    """Files of which the next download has a wrong byte."""

    def lead_here(self, patch: pytest.MonkeyPatch, cache: Path) -> None:
        """Let the hub's library come here, in this process, which has read its environment, and in those it starts."""
        template = f"{self.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        patch.setattr("huggingface_hub.constants.ENDPOINT", self.address)
        patch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache / "hub"))
        for name, value in {"HF_ENDPOINT": self.address, "HF_HOME": str(cache), "HF_TOKEN": "hf_secret"}.items():
            patch.setenv(name, value)

    def reply(self, request: Request) -> Response:
        path = request.url.path
        self.tokens.append(request.headers.get("authorization", ""))
        for word, (status, code) in _REFUSALS.items():
            if word in path:
                return JSONResponse({}, status, {"X-Error-Code": code, "X-Error-Message": "no"})
        if path.endswith("/auth-check"):
            return Response()
        if "/tree/" in path:
            return JSONResponse([_entry(file) for file in self._files()])
        if path.startswith("/api/models/"):
            siblings = [{"rfilename": file.name} for file in self._files()]
            return JSONResponse({"id": "some/model", "sha": COMMIT, "siblings": siblings})
        file = self.folder / path.rpartition("/")[2]
        if not file.is_file():
            return JSONResponse({}, 404)  # the client also asks for what has nothing to do with models
        return self._content(file, request)

    def _files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def _content(self, file: Path, request: Request) -> Response:
        content = file.read_bytes()
        told = {"ETag": f'"{_hash(file)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if request.method == "HEAD":
            return Response(content, 200, told)
        asked = request.headers.get("range", "")
        self.read.append((file.name, asked))
        if file.name in self.damaged:
            self.damaged.remove(file.name)
            content = content[:-1] + bytes([content[-1] ^ 1])
        first = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        if first:
            told["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        rest = content[first:]
        if event := self.held.get(file.name):
            return StreamingResponse(_halves(rest, event), 200, told | {"Content-Length": str(len(rest))})
        if end := self.cut.pop(file.name, 0):
            return StreamingResponse(iter((rest[:end],)), 200, told | {"Content-Length": str(len(rest))})
        return Response(rest, 206 if first else 200, told)


@contextmanager
def local_hub(folder: Path) -> Iterator[Hub]:
    """Serve a folder as every model."""
    hub = Hub(folder)
    with answering(hub.reply) as hub.address:
        yield hub


def _halves(content: bytes, event: Event) -> Iterator[bytes]:
    middle = len(content) // 2
    yield content[:middle]
    event.wait()
    yield content[middle:]


def _entry(file: Path) -> dict[str, Any]:
    size = file.stat().st_size
    if file.suffix != ".safetensors":
        return {"type": "file", "path": file.name, "size": size, "oid": _hash(file)}
    lfs = {"oid": _hash(file), "size": size, "pointerSize": 134}
    return {"type": "file", "path": file.name, "size": size, "oid": "0" * 40, "lfs": lfs}


def _hash(file: Path) -> str:
    content = file.read_bytes()
    if file.suffix == ".safetensors":
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
