"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from tests.processes import ServiceProcess, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The service with its default settings, ready."""
    with running_service(tmp_path_factory.mktemp("service")) as process:
        process.until_ready()
        yield process


@pytest.fixture(scope="session")
def client(service: ServiceProcess) -> openai.OpenAI:
    """The real client of that service."""
    return service.client()
