"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import openai
import pytest

from tests.processes import ServiceProcess, running_service

# Those tests run in the environment of their engine; `make test` runs both.
collect_ignore_glob = [] if find_spec("torch") else ["service/tests/qwen2_audio/*"]


def pytest_report_header() -> str:
    """Which Terraform and which providers the tests of the deployment run with."""
    from tests.terraform.runs import chosen_providers, program

    return f"terraform: {program()}, providers: {chosen_providers()}"


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
