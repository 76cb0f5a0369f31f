"""Images as a builder makes them and as a registry gives them out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.image import SERVICE, build, docker_answers
from scripts.image_run import unpacked

NAME = "localhost/kikitori-test"
BASE = "localhost/kikitori-base:trixie"
CANARY = "hf_canary_that_no_layer_may_hold"

_SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


@dataclass(frozen=True)
class Image:
    """An image as the registry has it under a digest, mounted at `root`; `oci` is its configuration."""

    digest: str
    root: Path
    oci: dict[str, Any]

    @property
    def config(self) -> dict[str, Any]:
        """What a runtime reads: user, command, environment."""
        config: dict[str, Any] = self.oci["config"]
        return config

    @property
    def layers(self) -> list[str]:
        """The digests of the layers' contents, the base's first."""
        layers: list[str] = self.oci["rootfs"]["diff_ids"]
        return layers


def build_here(engine: str, name: str, context: Path = SERVICE) -> None:
    """Build with the builder of this machine; afterwards the image is in buildah's store, whoever built it."""
    if docker_answers():
        build(engine, name, context=context)
        subprocess.run(["buildah", "pull", "--quiet", f"docker-daemon:{name}:latest"], check=True)
    else:
        subprocess.run([_SCRIPTS / "debian_base.sh", BASE], check=True)
        build(engine, name, base=BASE, context=context)


def layers_of(name: str) -> list[str]:
    """The digests of the contents of the layers of an image in buildah's store."""
    command = ["buildah", "inspect", "--type", "image", name]
    inspected = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    layers: list[str] = inspected["OCIv1"]["rootfs"]["diff_ids"]
    return layers


@contextmanager
def pulled(address: str, folder: Path) -> Iterator[Image]:
    """Pull an image into a store of its own, which knows nothing of what the builder has, and mount it."""
    with TemporaryDirectory() as state:
        storage = ("--root", str(folder), "--runroot", state)
        subprocess.run(["buildah", *storage, "rm", "--all"], check=True, stdout=subprocess.DEVNULL)
        with unpacked(address, *storage) as (root, oci):
            # Those of earlier runs; the layers that they share with this one stay.
            subprocess.run(["buildah", *storage, "rmi", "--prune"], check=True, stdout=subprocess.DEVNULL)
            yield Image(address.rpartition("@")[2], root, oci)
