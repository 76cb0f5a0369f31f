"""A local cloud for the tests, and Google's own clients of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from google.oauth2.credentials import Credentials
from googleapiclient import discovery

from scripts import google
from tests.processes import free_port, serving, until

from .call import Project
from .discovery import api
from .running import environment, opened, signed_in
from .store import Json

PROJECT = "projects/kikitori-local"
PLACE = f"{PROJECT}/locations/asia-southeast1"


@dataclass(frozen=True)
class Served:
    """A local cloud that listens at `url`; `folder` has its state."""

    url: str
    folder: Path

    def client(self, name: str, version: str, credentials: Any = None) -> Any:
        """Google's client of one of its APIs, with everything but the address as it is for Google."""
        document = api(f"{name}.{version}").document
        here = {**document, "rootUrl": f"{self.url}/{api(f'{name}.{version}').host}/"}
        if name == "storage":
            here["rootUrl"] = f"{self.url}/"
        return discovery.build_from_document(here, credentials=credentials or Credentials("fake"))

    def environment(self) -> dict[str, str]:
        """What programs need to reach it."""
        return environment(self.url, self.folder, Project())

    def lead_here(self, patch: pytest.MonkeyPatch) -> None:
        """Let this repository's programs come here as the owner, in this process and in those that it starts."""
        for name, value in signed_in(self.url, self.folder, Project()).items():
            patch.setenv(name, value)
        patch.setattr(google, "_session", cache(google._session.__wrapped__))

    def fault(self, method: str, **fault: Any) -> None:
        """Ask for a fault."""
        httpx.post(f"{self.url}/_local/faults", json={"method": method, **fault}).raise_for_status()

    def forget_faults(self) -> int:
        """Take back what was asked for and did not happen; gives how often it would have."""
        answer = httpx.delete(f"{self.url}/_local/faults").raise_for_status()
        return int(answer.json()["unused"])

    def empty(self, bucket: str) -> None:
        """Delete all that a bucket holds, as an operator does before it is destroyed."""
        objects = self.client("storage", "v1").objects()
        for each in objects.list(bucket=bucket, versions=True).execute().get("items", []):
            objects.delete(bucket=bucket, object=each["name"], generation=each["generation"]).execute()

    def ended(self, operation: Json, operations: Any) -> Json:
        """An operation as it is when it is done."""
        latest = operation

        def done() -> bool:
            nonlocal latest
            latest = operations.get(name=operation["name"]).execute()
            return bool(latest["done"])

        until(done)
        return latest


@contextmanager
def served(folder: Path, port: int | None = None, **options: Any) -> Iterator[Served]:
    """Open a local cloud on a folder and serve it."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    with opened(folder, url, **options) as app, serving(app, port):
        yield Served(url, folder)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One whose project has every API enabled."""
    with served(tmp_path_factory.mktemp("cloud"), everything_enabled=True, with_registry=False) as here:
        yield here


def template(**changes: Any) -> Json:
    """A Cloud Run template with a GPU that Google accepts; `changes` are merged into it by dotted path."""
    container: Json = {
        "image": f"asia-southeast1-docker.pkg.dev/kikitori-local/r/i@sha256:{'0' * 64}",
        "resources": {"limits": {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}, "cpuIdle": False},
    }
    body: Json = {
        "containers": [container],
        "nodeSelector": {"accelerator": "nvidia-l4"},
        "gpuZonalRedundancyDisabled": True,
        "scaling": {"maxInstanceCount": 1},
    }
    for path, value in changes.items():
        *outer, last = path.split("__")
        inner = container if outer[:1] == ["container"] else body
        for name in outer[1 if inner is container else 0 :]:
            inner = inner[name]
        inner[last] = value
    return body
