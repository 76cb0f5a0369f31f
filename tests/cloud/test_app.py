"""What is deployed into the local Google is what Terraform says, with its real provider and without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.cost.scaling import Limits
from tests.local_cloud.cloud_run.description import services
from tests.local_cloud.conftest import PLACE, served
from tests.local_cloud.store import Json, Store
from tests.terraform.runs import real_terraform

from .app import Terraform, TerraformError

_KEYS: dict[str, Any] = {
    "access": {"public": False, "auth": "none", "invokers": ["user:somebody@example.com"]},
    "capacity": {"concurrency": 3, "queue": 1, "watchers": 2, "max_instances": 2, "timeout_s": 600},
    "settings": {"KIKITORI_MAX_AUDIO_S": "1200"},
}


def applied(folder: Path, real: bool, **variables: Any) -> Json:
    with served(folder / "state", with_registry=False) as google:
        Terraform(folder, google, real=real).apply(**variables)
        places = google.client("run", "v2").projects().locations().services()
        service: Json = places.get(name=f"{PLACE}/services/kikitori").execute()
        return service


def test_what_runs_has_the_limits_that_terraform_plans(tmp_path: Path) -> None:
    applied(tmp_path, real=False, **_KEYS)
    store = Store(tmp_path / "state/state.sqlite3")
    [service] = services(store)
    store.close()
    [revision] = service.revisions
    assert revision.limits == Limits(concurrency=6, max_instances=2, timeout_s=600, retention_s=600)
    assert (revision.cpu, revision.memory_gib, revision.gpu) == (4, 16, "nvidia-l4")
    assert revision.startup.path == "/health/live"
    assert {"name": "KIKITORI_MAX_AUDIO_S", "value": "1200"} in revision.environment
    assert not service.public


def test_a_plan_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match=r"capacity\.watchers must be at least 1"):
        applied(tmp_path, real=False, capacity={"watchers": 0})


def test_what_is_planned_is_what_the_real_provider_sends(tmp_path: Path) -> None:
    if not real_terraform():
        pytest.skip("Terraform or Google's provider is not here")
    services = [applied(tmp_path / str(real), real, **_KEYS) for real in (True, False)]
    for service in services:
        service["template"]["containers"][0]["env"].sort(key=lambda one: one["name"])
        # The stand-in's page has one origin, the real bootstrap's two.
        service["template"]["containers"][0]["env"] = [
            one for one in service["template"]["containers"][0]["env"] if one["name"] != "KIKITORI_CORS_ORIGINS"
        ]
    real, planned = services
    for part in ("template", "traffic", "scaling", "ingress", "invokerIamDisabled"):
        assert real.get(part) == planned.get(part), part
