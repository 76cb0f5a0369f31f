"""A local Google with a Cloud Run beside it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.local_cloud.conftest import PLACE, Served, served, template
from tests.local_cloud.store import Json
from tests.processes import free_port, until

from .container import Program
from .meter import Meter
from .running import CloudRun, Options, running

NAME = f"{PLACE}/services/speech"
SAMPLE = Program((sys.executable, str(Path(__file__).parent / "sample_container.py")), {})
_TRAFFIC = [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100, "tag": "newest"}]
_LIVENESS = {"httpGet": {"path": "/live"}, "periodSeconds": 30}


@dataclass(frozen=True)
class Deploy:
    """One that has begun."""

    cloud: Served
    operation: Json

    @property
    def revision(self) -> str:
        """The name of its revision."""
        service: Json = self._places.services().get(name=NAME).execute()
        return str(service["latestCreatedRevision"].rpartition("/")[2])

    def now(self) -> Json:
        """Its operation."""
        operation: Json = self._places.operations().get(name=self.operation["name"]).execute()
        return operation

    @property
    def _places(self) -> Any:
        return self.cloud.client("run", "v2").projects().locations()


@dataclass(frozen=True)
class Place:
    """Where a service can be deployed, and then called."""

    cloud: Served
    run: CloudRun

    def deploy(self, *, traffic: list[Json] | None = None, public: bool = True, **changes: Any) -> Deploy:
        """Begin to deploy `speech` with the changes to its template."""
        environment = [{"name": name, "value": value} for name, value in changes.pop("env", {}).items()]
        fixed = {"container__env": environment, "container__livenessProbe": _LIVENESS}
        made = template(**{**fixed, "maxInstanceRequestConcurrency": 2, **changes})
        body = {"template": made, "traffic": traffic or _TRAFFIC, "invokerIamDisabled": public}
        places = self.cloud.client("run", "v2").projects().locations()
        known = [one["name"] for one in places.services().list(parent=PLACE).execute().get("services", [])]
        if NAME in known:
            operation = places.services().patch(name=NAME, body=body).execute()
        else:
            operation = places.services().create(parent=PLACE, serviceId="speech", body=body).execute()
        self.run.look()
        return Deploy(self.cloud, operation)

    def warm(self, **changes: Any) -> str:
        """Deploy, and wait until its instance has started; the name of its revision."""
        deploy = self.deploy(**changes)
        self.run.leap(7)
        until(lambda: self.run.revisions[-1].ready)
        return deploy.revision

    def cold(self, **changes: Any) -> None:
        """Deploy, and wait until its instance is gone."""
        self.warm(**changes)
        self.run.leap(601)
        assert self.run.pids() == []

    def in_flight(self) -> int:
        """Requests that instances have."""
        return sum(one.scaler.in_flight for one in self.run.revisions)

    def waiting(self) -> int:
        """Requests that wait for one."""
        return sum(one.scaler.waiting for one in self.run.revisions)

    def get(self, path: str, name: str = "speech", **options: Any) -> httpx.Response:
        """Call it, or what a tag gives an address."""
        return httpx.get(self.run.address(name) + path, timeout=60, **options)


@contextmanager
def place(folder: Path, options: Options) -> Iterator[Place]:
    """Both, with nothing deployed yet."""
    ports = {"speech": free_port(), "newest---speech": free_port()}
    addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    meter = Meter()
    with (
        served(folder, everything_enabled=True, with_registry=False, addresses=addresses, meter=meter) as cloud,
        running(folder, ports, meter, options) as run,
    ):
        yield Place(cloud, run)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """One whose containers are samples, and whose machines are there after 7 s of a clock that a test lets leap."""
    with place(tmp_path, Options(SAMPLE)) as made:
        yield made


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    """Those who wait for an answer while the test goes on."""
    with ThreadPoolExecutor(16) as pool:
        yield pool
