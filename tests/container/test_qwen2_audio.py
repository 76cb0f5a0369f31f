"""The image with Qwen2-Audio, where `make image-cuda` has built it of this commit: on a CPU, with a toy model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra

from scripts.image import SERVICE, revision
from scripts.image_run import unpacked
from tests.container.containers import running
from tests.container.images import Image
from tests.speech import say

NAME = "localhost/kikitori:qwen2-audio"
TINY = SERVICE / "tests/tiny-qwen2-audio"


@pytest.fixture(scope="module")
def cuda_image() -> Iterator[Image]:
    """The image in buildah's store."""
    inspected = subprocess.run(["buildah", "inspect", "--type", "image", NAME], capture_output=True, check=False)
    if inspected.returncode:
        pytest.skip("the image with CUDA is not tested: `make image-cuda` builds it, 8 GB")
    labels = json.loads(inspected.stdout)["OCIv1"]["config"]["Labels"]
    if labels["org.opencontainers.image.revision"] != revision():
        pytest.skip("the image with CUDA is not tested: it is of another commit; `make image-cuda` renews it")
    with unpacked(NAME) as (root, oci):
        yield Image("", root, oci)


def test_its_torch_starts_on_the_driver_of_cloud_run(cuda_image: Image) -> None:
    """Driver 535 runs CUDA 12, not 13."""
    inside = testinfra.get_host(str(cuda_image.root), connection="chroot")
    versions = inside.check_output("python3 -c %s", "import torch; print(torch.__version__, torch.version.cuda)")
    torch, cuda = versions.split()
    assert torch.startswith("2.10.0")
    assert cuda.startswith("12.")


def test_it_hears_what_is_said(cuda_image: Image, tmp_path: Path) -> None:
    with running(cuda_image, tmp_path, model=TINY) as container:
        container.service.until_ready()
        client = container.service.client()
        assert client.models.list().data[0].id == TINY.name
        answer = client.audio.transcriptions.create(model=TINY.name, file=("a.wav", say("three seven two")))
        assert answer.text == "three seven two"
