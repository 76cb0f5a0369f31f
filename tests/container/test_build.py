"""What a change costs: the layer with the dependencies is made again only when they change."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.image import SERVICE
from tests.container.images import NAME, Image, build_here, layers_of

_CHANGED = f"{NAME}-changed"


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Path]:
    """A copy of what the image is built from, with things beside it that must stay out."""
    copy = tmp_path / "service"
    shutil.copytree(SERVICE, copy, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    (copy / ".env").write_text("HF_TOKEN=secret")
    (copy / "src/kikitori/__pycache__").mkdir()
    (copy / "src/kikitori/__pycache__/stale.cpython-313.pyc").write_bytes(b"stale")
    yield copy
    subprocess.run(["buildah", "rmi", "--force", _CHANGED], check=False, capture_output=True)


def test_changed_code_is_one_new_layer(image: Image, sources: Path) -> None:
    with (sources / "src/kikitori/app.py").open("a") as file:
        file.write("# changed\n")
    build_here("whisper", _CHANGED, sources)
    *before, old_code = image.layers
    *after, new_code = layers_of(_CHANGED)
    assert after == before
    assert new_code != old_code
    assert len(before) >= 3  # base, list of dependencies, dependencies


def test_what_lies_beside_the_code_changes_nothing(image: Image, sources: Path) -> None:
    build_here("whisper", _CHANGED, sources)
    assert layers_of(_CHANGED) == image.layers
