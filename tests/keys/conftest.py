"""A secret with access keys in a local Google."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import secret, service
from tests.local_cloud.conftest import PROJECT, Served, served

NAME = f"{PROJECT}/secrets/kikitori-api-keys"
OLD = "a key from before it had a name"
COMMAND = ["--project", "kikitori-local"]


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Has the secret as terraform/bootstrap makes it, without a version."""
    with served(tmp_path / "cloud", everything_enabled=True, with_registry=False) as here:
        here.lead_here(monkeypatch)
        monkeypatch.setattr(secret, "_PAUSE_S", 0.01)
        monkeypatch.setattr(service, "_PAUSE_S", 0.01)
        body = {"replication": {"automatic": {}}, "versionDestroyTtl": "604800s"}
        secrets(here).create(parent=PROJECT, secretId="kikitori-api-keys", body=body).execute()
        yield here


def secrets(cloud: Served) -> Any:
    return cloud.client("secretmanager", "v1").projects().secrets()


def write(cloud: Served, text: str) -> None:
    payload = {"data": base64.b64encode(text.encode()).decode()}
    secrets(cloud).addVersion(parent=NAME, body={"payload": payload}).execute()


def versions(cloud: Served) -> list[Any]:
    """The newest first."""
    found: list[Any] = secrets(cloud).versions().list(parent=NAME).execute().get("versions", [])
    return found
