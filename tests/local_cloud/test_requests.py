"""What Google's front end refuses, before a service looks at a request."""

from __future__ import annotations

from pathlib import Path

import httpx2 as httpx
import pytest
from googleapiclient.errors import HttpError

from .conftest import PLACE, PROJECT, Served, served, template
from .store import Json

_SERVICES = f"run.googleapis.com/v2/{PLACE}/services"
_HEADERS = {"Authorization": "Bearer fake"}


def _post(cloud: Served, path: str, body: Json, **headers: str) -> httpx.Response:
    return httpx.post(f"{cloud.url}/{path}", json=body, headers={**_HEADERS, **headers})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"template": {"scalling": {}}}, "Unknown name \"scalling\" at 'template': Cannot find field."),
        (
            {"template": {"scaling": {"maxInstanceCount": "many"}}},
            "Invalid value at 'template.scaling.maxInstanceCount'",
        ),
        ({"template": {"containers": {}}}, "Invalid value at 'template.containers'"),
        ({"ingress": "INGRESS_TRAFFIC_SOME"}, "Invalid value at 'ingress' (enum)"),
        ({"template": {"timeout": "5 minutes"}}, "Invalid value at 'template.timeout'"),
        ({}, "Required field 'template' is missing"),
    ],
)
def test_body_that_the_discovery_document_does_not_allow(cloud: Served, body: Json, words: str) -> None:
    answer = _post(cloud, f"{_SERVICES}?serviceId=refused", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"{_SERVICES}?serviceId=x&color=red", 400, "Field 'color' could not be found in request message"),
        (_SERVICES, 400, "Required: serviceId"),
        (f"{_SERVICES}?serviceId=Upper", 400, "Invalid resource id 'Upper'"),
        (
            "run.googleapis.com/v2/projects/other/locations/asia-southeast1/services?serviceId=x",
            403,
            "Permission denied",
        ),
        (
            f"run.googleapis.com/v2/{PROJECT}/locations/asia-southeast9/services?serviceId=x",
            403,
            "'locations/asia-southeast9'",
        ),
        (f"compute.googleapis.com/compute/v1/{PROJECT}/regions/mars/subnetworks", 403, "'locations/mars'"),
        (f"run.googleapis.com/v2/{PLACE}/jobs?jobId=x", 501, "run.projects.locations.jobs.create"),
        ("run.googleapis.com/v9/services", 501, "POST https://run.googleapis.com/v9/services"),
        ("storage/v1/b", 400, "Required parameter: project"),
    ],
)
def test_path_and_parameters(cloud: Served, path: str, status: int, words: str) -> None:
    answer = _post(cloud, path, {"template": template()} if "run." in path and "jobs" not in path else {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["spanner.googleapis.com/v1/projects", "us-docker.pkg.dev/v2/p/r/i/tags/list"])
def test_host_that_nothing_calls(cloud: Served, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is no bucket."""
    answer = httpx.get(f"{cloud.url}/{path}", headers=_HEADERS)
    assert answer.status_code == 501
    assert f"does not have https://{path}" in answer.json()["error"]["message"]
    assert path in caplog.text


def test_parameter_that_nothing_looks_at(cloud: Served) -> None:
    """And nothing is made."""
    answer = _post(cloud, f"{_SERVICES}?serviceId=unmade&validateOnly=true", {"template": template()})
    assert answer.status_code == 501
    wanted = "does not honour validateOnly of run.projects.locations.services.create"
    assert wanted in answer.json()["error"]["message"]
    assert httpx.get(f"{cloud.url}/{_SERVICES}/unmade", headers=_HEADERS).status_code == 404


def test_default_and_what_shapes_the_answer_alone_are_no_matter(cloud: Served) -> None:
    path = f"{cloud.url}/pubsub.googleapis.com/v1/{PROJECT}/topics/shaped"
    httpx.put(path, json={"labels": {"a": "b"}}, headers=_HEADERS).raise_for_status()
    asked = {"alt": "json", "prettyPrint": "false", "quotaUser": "me"}
    assert httpx.get(path, params=asked, headers=_HEADERS).json()["labels"] == {"a": "b"}
    assert httpx.get(path, params={"fields": "labels/a"}, headers=_HEADERS).json() == {"labels": {"a": "b"}}
    assert httpx.get(path, params={"fields": "labels(a)"}, headers=_HEADERS).status_code == 501
    assert httpx.get(path, params={"alt": "media"}, headers=_HEADERS).status_code == 501


def test_names_and_numbers_as_json_may_also_have_them(cloud: Served) -> None:
    body = template()
    body["max_instance_request_concurrency"] = 3.0
    body["scaling"] = {"max_instance_count": "2"}
    assert _post(cloud, f"{_SERVICES}?service_id=spelled", {"template": body}).status_code == 200
    made = httpx.get(f"{cloud.url}/{_SERVICES}/spelled", headers=_HEADERS).json()["template"]
    assert (made["maxInstanceRequestConcurrency"], made["scaling"]) == (3, {"maxInstanceCount": 2})
    body["max_instance_request_concurrency"] = 3.5
    assert _post(cloud, f"{_SERVICES}?service_id=misspelled", {"template": body}).status_code == 400
    body["max_instance_request_concurrency"] = 2**31
    assert _post(cloud, f"{_SERVICES}?service_id=misspelled", {"template": body}).status_code == 400


def test_what_is_output_only_is_ignored(cloud: Served) -> None:
    body = {"template": template(), "uid": "mine", "generation": "7"}
    assert _post(cloud, f"{_SERVICES}?serviceId=ignored", body).status_code == 200
    service = httpx.get(f"{cloud.url}/{_SERVICES}/ignored", headers=_HEADERS).json()
    assert (service["uid"], service["generation"]) != ("mine", "7")


def test_no_token(cloud: Served) -> None:
    answer = httpx.get(f"{cloud.url}/{_SERVICES}")
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_new_project_has_to_enable_an_api_first(tmp_path: Path) -> None:
    with served(tmp_path, with_registry=False) as cloud:
        topics = cloud.client("pubsub", "v1").projects().topics()
        with pytest.raises(HttpError) as refused:
            topics.create(name=f"{PROJECT}/topics/early", body={}).execute()
        assert refused.value.status_code == 403
        assert refused.value.error_details[0]["reason"] == "SERVICE_DISABLED"
        usage = cloud.client("serviceusage", "v1")
        enabling = usage.services().enable(name=f"{PROJECT}/services/pubsub.googleapis.com", body={}).execute()
        cloud.ended(enabling, usage.operations())
        assert topics.create(name=f"{PROJECT}/topics/early", body={}).execute() == {"name": f"{PROJECT}/topics/early"}
        listed = usage.services().list(parent=PROJECT, filter="state:ENABLED").execute()["services"]
        assert "pubsub.googleapis.com" in {service["config"]["name"] for service in listed}


def test_state_outlives_the_process(tmp_path: Path) -> None:
    with served(tmp_path, everything_enabled=True, with_registry=False) as cloud:
        cloud.client("pubsub", "v1").projects().topics().create(name=f"{PROJECT}/topics/kept", body={}).execute()
    with served(tmp_path, with_registry=False) as again:
        kept = again.client("pubsub", "v1").projects().topics().get(topic=f"{PROJECT}/topics/kept").execute()
    assert kept["name"] == f"{PROJECT}/topics/kept"
