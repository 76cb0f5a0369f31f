"""What becomes of what is deployed: a revision that cannot run, a service that is deleted, and one that is changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from tests.local_cloud.conftest import PROJECT
from tests.local_cloud.store import Json
from tests.processes import until

from .conftest import NAME, SAMPLE, Place, place
from .running import Options

_SECRET = f"{PROJECT}/secrets/key"
_WITH_SECRET: Json = {
    "container__env": [{"name": "KEY", "valueSource": {"secretKeyRef": {"secret": "key", "version": "latest"}}}]
}


def services(here: Place) -> Any:
    return here.cloud.client("run", "v2").projects().locations().services()


def secrets(here: Place) -> Any:
    return here.cloud.client("secretmanager", "v1").projects().secrets()


def without_version(here: Place) -> None:
    """Make the secret; the service may read it."""
    secrets(here).create(parent=PROJECT, secretId="key", body={"replication": {"automatic": {}}}).execute()
    reader = "serviceAccount:815162342100-compute@developer.gserviceaccount.com"
    policy = {"bindings": [{"role": "roles/secretmanager.secretAccessor", "members": [reader]}]}
    secrets(here).setIamPolicy(resource=_SECRET, body={"policy": policy}).execute()


def add_version(here: Place) -> None:
    secrets(here).addVersion(parent=_SECRET, body={"payload": {"data": "a2V5"}}).execute()


def test_what_failed_before_it_ran_is_not_run_and_a_deploy_tries_it_again(here: Place) -> None:
    without_version(here)
    refused = here.deploy(**_WITH_SECRET)
    assert "versions/latest was not found" in refused.now()["error"]["message"]
    here.run.leap(60)
    assert here.run.meter.lives == []
    assert here.get("/").status_code == 404

    add_version(here)
    again = here.deploy(**_WITH_SECRET)
    assert again.revision == refused.revision
    here.run.leap(7)
    until(lambda: again.now()["done"])
    assert again.now()["response"]["latestReadyRevision"].endswith(again.revision)
    assert here.get("/").status_code == 200


def test_a_failed_deploy_takes_nothing_from_the_revision_before(here: Place) -> None:
    first = here.warm()
    failing = here.deploy(**_WITH_SECRET)
    assert "was not found" in failing.now()["error"]["message"]
    assert here.get("/").json()["revision"] == first
    here.deploy(traffic=[{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": first, "percent": 100}])
    assert here.get("/").json()["revision"] == first


def test_an_instance_whose_secret_is_gone_ends_at_once(here: Place, callers: ThreadPoolExecutor) -> None:
    without_version(here)
    add_version(here)
    here.cold(**_WITH_SECRET)
    secrets(here).delete(name=_SECRET).execute()
    asked = callers.submit(here.get, "/")
    until(lambda: here.waiting() == 1)
    here.run.leap(7)
    assert asked.result().status_code == 503
    [_, second] = here.run.meter.lives
    assert second.instance.ended is not None
    log = here.cloud.folder / "instances" / f"{second.revision.name}-1.log"
    assert "Secret key/versions/latest was not found" in log.read_text()


def test_a_minimum_does_not_start_for_ever_what_cannot_start(here: Place) -> None:
    failing = here.deploy(env={"BROKEN": "1"}, scaling={"minInstanceCount": 1, "maxInstanceCount": 2})
    here.run.leap(7)
    until(lambda: failing.now()["done"])
    assert "failed to start and listen" in failing.now()["error"]["message"]
    here.run.leap(600)
    assert len(here.run.meter.lives) == 1


def test_a_service_that_is_made_again_is_not_ready_by_the_one_before(here: Place) -> None:
    here.warm()
    services(here).delete(name=NAME).execute()
    here.run.look()
    again = here.deploy(env={"BROKEN": "1"})
    assert not again.now()["done"]
    here.run.leap(7)
    until(lambda: again.now()["done"])
    assert "failed to start and listen" in again.now()["error"]["message"]


def test_while_a_service_is_deleted_it_is_not_found(here: Place) -> None:
    here.warm(env={"STUBBORN": "1"})
    [pid] = here.run.pids()
    services(here).delete(name=NAME).execute()
    statuses: list[int] = []

    def not_found() -> bool:
        statuses.append(here.get("/").status_code)
        return statuses[-1] == 404

    until(not_found)
    assert set(statuses) <= {200, 404}
    assert psutil.pid_exists(pid)
    here.run.leap(10, past_work=True)
    until(lambda: not psutil.pid_exists(pid))


def test_the_scaling_of_a_service_bounds_that_of_its_revisions(here: Place) -> None:
    here.warm(scaling={"maxInstanceCount": 3})
    for scaling, expected in (({"minInstanceCount": 1, "maxInstanceCount": 2}, (1, 2)), ({}, (0, 3))):
        services(here).patch(name=NAME, updateMask="scaling", body={"scaling": scaling}).execute()
        here.run.look()
        [one] = here.run.revisions
        assert (one.scaler.limits.min_instances, one.scaler.limits.max_instances) == expected
        here.run.leap(1200)
        assert len(here.run.pids()) == expected[0]


def test_without_a_gpu_it_is_sooner_there_and_kept_as_long_as_is_said(tmp_path: Path) -> None:
    cpu = {"limits": {"cpu": "1", "memory": "512Mi"}, "cpuIdle": True}
    with place(tmp_path, Options(SAMPLE, retention_s=60)) as here:
        here.deploy(nodeSelector=None, container__resources=cpu)
        here.run.leap(1.5)
        assert here.run.meter.lives[0].instance.started is None
        here.run.leap(0.5)
        until(lambda: here.run.revisions[-1].ready)
        here.run.leap(50)
        assert len(here.run.pids()) == 1
        here.run.leap(10)
        until(lambda: here.run.pids() == [])
