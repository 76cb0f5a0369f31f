"""The page and its service in a local cloud: Terraform, Cloud Run and static hosting, on this machine alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.hosting import deployed_config, page_app
from tests.local_cloud.cloud_run.meter import Meter
from tests.local_cloud.cloud_run.running import CloudRun, Options, running
from tests.local_cloud.conftest import Served, served
from tests.processes import free_port, serving

from .app import Terraform

SERVICE = "kikitori"
_NEWEST = f"newest---{SERVICE}"
_ANYONE = "anyone may start the GPU at my cost"


@dataclass(frozen=True)
class Ports:
    """Of what answers in it."""

    google: int = field(default_factory=free_port)
    page: int = field(default_factory=free_port)
    service: int = field(default_factory=free_port)
    newest: int = field(default_factory=free_port)
    """Of the newest revision alone."""


@dataclass(frozen=True)
class CloudHouse:
    """A page, and the cloud that its service is deployed in."""

    page: str
    google: Served
    run: CloudRun
    terraform: Terraform

    def deploy(self, **variables: Any) -> None:
        """Deploy the service with these variables of terraform/app."""
        self.terraform.apply(**_open_to(self.page), **variables)
        self.run.look()


@contextmanager
def cloud_house(folder: Path, ports: Ports, options: Options, **variables: Any) -> Iterator[CloudHouse]:
    """Deploy the service, run it, and serve its page.

    Args:
        folder: for all state; what is there already is gone on with.
        ports: of its addresses.
        options: of its Cloud Run.
        variables: of terraform/app.
    """
    numbers, meter = {SERVICE: ports.service, _NEWEST: ports.newest}, Meter()
    addresses = {name: f"http://127.0.0.1:{port}" for name, port in numbers.items()}
    page = f"http://127.0.0.1:{ports.page}"
    state = folder / "state"
    with served(state, port=ports.google, with_registry=False, addresses=addresses, meter=meter) as google:
        terraform = Terraform(folder, google)
        app = terraform.apply(**_open_to(page), **variables)
        merged = {**app.environment, **options.program.settings}
        environment = {name: value for name, value in merged.items() if value is not None}
        with (
            running(state, numbers, meter, options) as run,
            serving(page_app(deployed_config(app.page_config, environment)), ports.page),
        ):
            yield CloudHouse(page, google, run, terraform)


def _open_to(page: str) -> dict[str, Any]:
    """Who may call: everyone, and from the page."""
    return {"access": {"public": True, "auth": "none", "origins": [page]}, "unauthenticated": _ANYONE}
