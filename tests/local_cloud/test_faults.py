"""Faults that were asked for, as Google's client meets them."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
import pytest
from googleapiclient.errors import HttpError

from tests.processes import until

from .call import Project
from .conftest import PLACE, PROJECT, Served, template
from .store import Json

_DEPLOY = "run.projects.locations.services.create"
_CREATE = "pubsub.projects.topics.create"


@pytest.fixture(scope="module")
def topics(cloud: Served) -> Any:
    return cloud.client("pubsub", "v1").projects().topics()


@pytest.mark.parametrize("status", [403, 409, 429, 503])
def test_status(cloud: Served, topics: Any, status: int) -> None:
    name = f"{PROJECT}/topics/status-{status}"
    cloud.fault(_CREATE, status=status)
    with pytest.raises(HttpError) as failed:
        topics.create(name=name, body={}).execute()
    assert failed.value.status_code == status
    assert (failed.value.resp.get("retry-after") == "1") == (status in (429, 503))
    assert topics.create(name=name, body={}).execute() == {"name": name}


def test_client_that_tries_again_gets_through(cloud: Served, topics: Any) -> None:
    cloud.fault("pubsub.*", status=503)
    assert topics.create(name=f"{PROJECT}/topics/again", body={}).execute(num_retries=2)


@pytest.mark.parametrize(("when", "there"), [("before", False), ("after", True)])
def test_dropped_connection(cloud: Served, topics: Any, when: str, there: bool) -> None:
    name = f"{PROJECT}/topics/dropped-{when}"
    cloud.fault(_CREATE, drop=when)
    # Not by Google's client, which would try again by itself.
    with pytest.raises(httpx.TransportError):
        httpx.put(f"{cloud.url}/pubsub.googleapis.com/v1/{name}", json={}, headers={"Authorization": "Bearer fake"})
    if there:
        assert topics.get(topic=name).execute()
    else:
        with pytest.raises(HttpError, match="404"):
            topics.get(topic=name).execute()


def test_failing_and_slow_operation_of_compute(cloud: Served) -> None:
    """Its operations have another shape, and end in an error just as late."""
    compute = cloud.client("compute", "v1")

    def inserted(name: str) -> Json:
        """The operation as it is at first, and when it is done."""
        operation = compute.networks().insert(project=Project.id, body={"name": name}).execute()
        assert operation["status"] == "RUNNING"
        return dict(compute.globalOperations().get(project=Project.id, operation=operation["name"]).execute())

    cloud.fault("compute.networks.insert", operation={"status": "RESOURCE_EXHAUSTED", "message": "No room."})
    failed = inserted("failing")
    assert (failed["status"], failed["httpErrorStatusCode"]) == ("DONE", 429)
    assert failed["error"]["errors"] == [{"code": "RESOURCE_EXHAUSTED", "message": "No room."}]
    with pytest.raises(HttpError, match="404"):
        compute.networks().get(project=Project.id, network="failing").execute()
    cloud.fault("compute.networks.insert", operation={"seconds": 0.3})
    slow = inserted("slow")
    assert slow["status"] == "RUNNING"
    operations = compute.globalOperations()
    until(lambda: operations.get(project=Project.id, operation=slow["name"]).execute()["status"] == "DONE")


def test_failing_and_slow_operation(cloud: Served) -> None:
    registry = cloud.client("artifactregistry", "v1").projects().locations()
    create = "artifactregistry.projects.locations.repositories.create"
    body = {"format": "DOCKER"}
    cloud.fault(create, operation={"status": "RESOURCE_EXHAUSTED", "message": "No room."})
    failing = registry.repositories().create(parent=PLACE, repositoryId="failing", body=body).execute()
    assert cloud.ended(failing, registry.operations())["error"] == {"code": 8, "message": "No room.", "details": []}
    with pytest.raises(HttpError, match="404"):
        registry.repositories().get(name=f"{PLACE}/repositories/failing").execute()
    cloud.fault(create, operation={"seconds": 0.3})
    slow = registry.repositories().create(parent=PLACE, repositoryId="slow", body=body).execute()
    assert registry.operations().get(name=slow["name"]).execute()["done"] is False
    assert cloud.ended(slow, registry.operations())["response"]["name"] == f"{PLACE}/repositories/slow"


def test_a_deploy_that_is_slow_and_fails(cloud: Served) -> None:
    """For a reason of its own: the fault is only that it takes a while."""
    run = cloud.client("run", "v2").projects().locations()
    cloud.fault(_DEPLOY, operation={"seconds": 0.3})
    environment = [{"name": "KEY", "valueSource": {"secretKeyRef": {"secret": "none", "version": "1"}}}]
    body = {"template": template(container__env=environment)}
    made = run.services().create(parent=PLACE, serviceId="slow-and-broken", body=body).execute()
    assert run.operations().get(name=made["name"]).execute()["done"] is False
    assert "secrets/none/versions/1 was not found" in cloud.ended(made, run.operations())["error"]["message"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([], "a JSON object with a method"),
        ({"status": 503}, "a JSON object with a method"),
        ({"method": "run.projects.*.create"}, "exactly one of status, drop, operation, not none"),
        ({"method": "run.*", "status": 503, "drop": "after"}, "exactly one of"),
        ({"method": "run.*", "stats": 503}, "exactly one of"),
        ({"method": "run.projects.jobs.*", "status": 503}, "has no method 'run.projects.jobs.*'"),
        ({"method": "run.*", "status": 418}, "status is one of 400"),
        ({"method": "run.*", "status": "503"}, "status is one of 400"),
        ({"method": "run.*", "status": 503, "times": 0}, "at least 1"),
        ({"method": "run.*", "drop": "between"}, "before or after"),
        ({"method": _DEPLOY, "operation": {}}, "an object of status, message, seconds"),
        ({"method": _DEPLOY, "operation": {"status": "BROKEN"}}, "operation.status is one of"),
        ({"method": _DEPLOY, "operation": {"seconds": "5"}}, "operation.seconds is a number"),
        ({"method": "run.*.services.*", "operation": {"seconds": 5}}, "getIamPolicy answers with no operation"),
        (
            {"method": "pubsub.projects.topics.create", "operation": {"seconds": 5}},
            "topics.create answers with no operation",
        ),
    ],
)
def test_fault_that_could_not_happen(cloud: Served, asked: Any, words: str) -> None:
    answer = httpx.post(f"{cloud.url}/_local/faults", json=asked)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
    assert cloud.forget_faults() == 0
