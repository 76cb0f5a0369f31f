"""Builds the service's image with Docker, or with buildah where no Docker engine answers: what `make image` runs."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SERVICE = Path(__file__).parent.parent / "service"
ENGINES = ("whisper", "qwen2-audio")
_EPOCH = "0"
"""The time of every file of the image, in seconds since 1970: the same sources give the same layers on any day."""


def docker_answers() -> bool:
    """Whether there is a Docker engine, and not just its client."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def build(
    engine: str,
    image: str,
    base: str | None = None,
    source: str | None = None,
    context: Path = SERVICE,
    *,
    cache: str | None = None,
) -> None:
    """Build the image from the folder with the Dockerfile; the builder prints what it does on standard error.

    Args:
        engine: one of `ENGINES`.
        image: the name that it gets.
        base: what to build on instead of the Dockerfile's own base.
        source: address of the repository, for the label.
        context: folder of the Dockerfile.
        cache: image in a registry that Docker takes layers from, where it has the same, and only those. buildah has
            the layers of this machine alone.

    Raises:
        subprocess.CalledProcessError: it could not be built; the builder has said why.
        FileNotFoundError: there is no builder.
    """
    arguments = ["--build-arg", f"ENGINE={engine}", "--tag", image]
    if base:
        arguments += ["--build-arg", f"BASE={base}"]
    labels = {"revision": revision(), "source": source}
    for name, value in labels.items():
        if value:
            arguments += ["--label", f"org.opencontainers.image.{name}={value}"]
    command = ["docker", "build"]
    if cache:
        # The image itself says what its layers were made of, so that a later build can take them from the registry.
        command += ["--cache-from", cache, "--build-arg", "BUILDKIT_INLINE_CACHE=1"]
    if not docker_answers():
        # chroot isolation needs no container runtime and works inside of containers too.
        command = ["buildah", "build", "--isolation", "chroot", "--layers", "--timestamp", _EPOCH]
    subprocess.run(
        [*command, *arguments, str(context)],
        check=True,
        stdout=sys.stderr,
        env={**os.environ, "DOCKER_BUILDKIT": "1", "SOURCE_DATE_EPOCH": _EPOCH},
    )


def revision() -> str | None:
    """The commit, with `-dirty` where files differ from it; None outside of a repository."""
    command = ["git", "-C", str(SERVICE), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    described = subprocess.run(command, capture_output=True, text=True, check=False)
    return described.stdout.strip() or None


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("image", help="name of the image, such as localhost/kikitori:whisper")
    parser.add_argument("--base", help="image to build on (default: the Dockerfile's, pinned by digest)")
    parser.add_argument("--source", help="address of the repository, for the label")
    options = parser.parse_args(arguments)
    try:
        build(options.engine, options.image, options.base, options.source)
    except FileNotFoundError:
        print("No Docker engine answers, and buildah is missing. On Debian: apt-get install buildah", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"The image could not be built; the lines above say why (status {error.returncode}).", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
