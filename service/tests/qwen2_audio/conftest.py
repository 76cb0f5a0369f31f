"""A tiny Qwen2-Audio of the real classes, trained on spoken digits; its makers are in `service/tests/tiny_model`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.processes import ServiceProcess, running_service

TINY = Path(__file__).parent.parent / "tiny-qwen2-audio"


@pytest.fixture(scope="session")
def tiny() -> Path:
    return TINY


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service with the tiny model in float32, ready."""
    folder = tmp_path_factory.mktemp("qwen2-audio")
    with running_service(folder, ENGINE="qwen2-audio", MODEL=str(TINY)) as process:
        process.until_ready()
        yield process


@pytest.fixture(scope="session")
def client(service: ServiceProcess) -> openai.OpenAI:
    return service.client(timeout=300)
