"""A real image registry on the loopback, which keeps what was pushed from one run to the next."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docker_registry import docker_registry
from tests.processes import free_port, is_open

_REPOSITORY = "kikitori"


@dataclass(frozen=True)
class Registry:
    """A running registry; `storage` is the folder with its blobs."""

    port: int
    storage: Path

    def address(self, digest: str) -> str:
        """What to pull."""
        return f"docker://127.0.0.1:{self.port}/{_REPOSITORY}@{digest}"

    def push(self, image: str) -> str:
        """Push an image of buildah's store; gives its digest."""
        with TemporaryDirectory() as folder:
            told = Path(folder, "digest")
            target = f"docker://127.0.0.1:{self.port}/{_REPOSITORY}:test"
            options = ["--quiet", "--tls-verify=false", "--digestfile", str(told)]
            subprocess.run(["buildah", "push", *options, image, target], check=True)
            return told.read_text()

    def layers(self, digest: str) -> list[Path]:
        """The files of an image's layers, compressed as they were pushed."""
        manifest = json.loads(self._blob(digest).read_text())
        return [self._blob(layer["digest"]) for layer in manifest["layers"]]

    def _blob(self, digest: str) -> Path:
        value = digest.removeprefix("sha256:")
        return self.storage / "docker/registry/v2/blobs/sha256" / value[:2] / value / "data"


@contextmanager
def registry(storage: Path) -> Iterator[Registry]:
    """Serve the images in a folder, at the port of the last time: buildah remembers what each address has."""
    storage.mkdir(parents=True, exist_ok=True)
    last = storage / "port"
    port = int(last.read_text()) if last.exists() and not is_open(int(last.read_text())) else free_port()
    last.write_text(str(port))
    with TemporaryDirectory() as folder, docker_registry(storage, Path(folder), port):
        yield Registry(port, storage)
