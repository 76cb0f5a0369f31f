"""One image for all tests: built, pushed to a registry of this machine, and pulled from there by its digest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

from tests.container.images import CANARY, NAME, Image, build_here, pulled
from tests.container.registry import Registry, registry

ROOT = Path(__file__).parent.parent.parent
_PROGRAMS = ("buildah", "docker-registry", "mmdebstrap", "runc")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [name for name in _PROGRAMS if not shutil.which(name)]
    reason = "containers need root here" if os.getuid() else f"missing: {', '.join(missing)}" if missing else None
    if reason:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=f"the image is not tested: {reason}"))


@pytest.fixture(scope="session")
def image_registry() -> Iterator[Registry]:
    """A real registry on the loopback."""
    with registry(ROOT / ".cache/container/registry") as running:
        yield running


@pytest.fixture(scope="session")
def image(image_registry: Registry) -> Iterator[Image]:
    """The whisper image as the registry gives it out, unpacked."""
    # Whatever a builder's environment holds, no layer may.
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_TOKEN", CANARY)
        build_here("whisper", NAME)
    digest = image_registry.push(NAME)
    with pulled(image_registry.address(digest), ROOT / ".cache/container/store") as unpacked:
        yield unpacked


@pytest.fixture(scope="session")
def inside(image: Image) -> Host:
    """testinfra in the root file system of the image, in which nothing runs."""
    return testinfra.get_host(str(image.root), connection="chroot")
