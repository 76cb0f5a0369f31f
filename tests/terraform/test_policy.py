"""What the roots would make, judged by the values of their plans: cost, access, and what cannot be brought back.

The scanners at hand look at the first version of Cloud Run's resources and misread identity providers, so the rules
that matter here are written here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.terraform.runs import ROOTS, Configuration

_BASIC_ROLES = {"roles/owner", "roles/editor", "roles/viewer", "roles/admin", "roles/writer", "roles/reader"}
_EVERYONE = {"allUsers", "allAuthenticatedUsers"}
_LABELLED = {
    "google_artifact_registry_repository",
    "google_cloud_run_v2_service",
    "google_pubsub_topic",
    "google_secret_manager_secret",
    "google_storage_bucket",
}
_PIPELINE_ROLES = {
    "plan": {
        "roles/compute.networkViewer",
        "roles/logging.viewer",
        "roles/monitoring.viewer",
        "roles/run.viewer",
    },
    "deploy": {
        "roles/compute.networkUser",
        "roles/containeranalysis.occurrences.viewer",
        "roles/firebasehosting.admin",
        "roles/logging.configWriter",
        "roles/monitoring.alertPolicyEditor",
        "roles/monitoring.viewer",
        "roles/run.admin",
    },
}
"""In the project. Whoever adds one here says that a pull request, or what was merged, may do that."""


@pytest.fixture(scope="module", params=ROOTS)
def plan(request: pytest.FixtureRequest, configuration: Configuration) -> list[dict[str, Any]]:
    """The changes that a root's run `policy` plans: with its defaults."""
    changes: list[dict[str, Any]] = configuration.tested(request.param).of("test_plan")["policy"]["resource_changes"]
    assert len(changes) > 5
    return changes


@pytest.fixture(scope="module")
def app(configuration: Configuration) -> dict[str, Any]:
    """The planned service."""
    changes = configuration.tested("app").of("test_plan")["policy"]["resource_changes"]
    (service,) = _of(changes, "google_cloud_run_v2_service")
    return service


def test_members_and_roles(plan: list[dict[str, Any]]) -> None:
    grants = [values for change in plan if (values := change["change"]["after"]) and "role" in values]
    for grant in grants:
        assert grant["role"] not in _BASIC_ROLES, grant
        assert not {grant.get("member"), *(grant.get("members") or [])} & _EVERYONE, grant


def test_weights_belong_to_owners_and_are_read_by_the_service(configuration: Configuration) -> None:
    # Applied, because a plan does not know the members' addresses yet.
    resources = _resources(configuration.tested("bootstrap").of("test_state")["app_gets_what_it_needs"]["root_module"])
    (policy,) = (each["values"] for each in resources if each["type"] == "google_storage_bucket_iam_policy")
    bindings = {binding["role"]: binding["members"] for binding in json.loads(policy["policy_data"])["bindings"]}
    assert bindings == {
        "roles/storage.admin": ["projectOwner:my-project"],
        "roles/storage.objectViewer": ["serviceAccount:account@my-project.iam.gserviceaccount.com"],
    }


def test_pipeline_has_these_rights_and_no_others(configuration: Configuration) -> None:
    changes = configuration.tested("bootstrap").of("test_plan")["policy"]["resource_changes"]
    held: dict[str, set[str]] = {}
    for change in changes:
        if change["type"] == "google_project_iam_member" and "module.github" in change["address"]:
            account = change["index"].split(" ")[0]
            held.setdefault(account, set()).add(change["change"]["after"]["role"])
    assert held == _PIPELINE_ROLES


def test_buckets_are_private_and_kept(plan: list[dict[str, Any]]) -> None:
    for bucket in _of(plan, "google_storage_bucket"):
        assert bucket["public_access_prevention"] == "enforced"
        assert bucket["uniform_bucket_level_access"] is True
        assert bucket["force_destroy"] is False
        assert bucket["versioning"][0]["enabled"] is True


def test_labels_tell_what_the_bill_is_for(plan: list[dict[str, Any]]) -> None:
    for change in plan:
        if change["type"] in _LABELLED:
            assert change["change"]["after"]["labels"].get("app") == "kikitori", change["address"]


def test_budget_is_of_the_project_by_its_number(configuration: Configuration) -> None:
    changes = configuration.tested("bootstrap").of("test_plan")["policy"]["resource_changes"]
    (budget,) = _of(changes, "google_billing_budget")
    assert budget["budget_filter"][0]["projects"] == ["projects/123456789012"]
    basis = [rule["spend_basis"] for rule in budget["threshold_rules"]]
    assert {"CURRENT_SPEND", "FORECASTED_SPEND"} == set(basis)


def test_images_are_kept_as_they_are(configuration: Configuration) -> None:
    changes = configuration.tested("bootstrap").of("test_plan")["policy"]["resource_changes"]
    (registry,) = _of(changes, "google_artifact_registry_repository")
    assert registry["docker_config"][0]["immutable_tags"] is True
    assert {policy["action"] for policy in registry["cleanup_policies"]} == {"KEEP", "DELETE"}


def test_service_sleeps_and_is_bounded(app: dict[str, Any]) -> None:
    (template,) = app["template"]
    for scaling in (app["scaling"][0], template["scaling"][0]):
        assert scaling["min_instance_count"] == 0
        assert 1 <= scaling["max_instance_count"] <= 3
    assert 1 <= template["max_instance_request_concurrency"] <= 1000


def test_service_is_pinned_and_protected(app: dict[str, Any]) -> None:
    (template,) = app["template"]
    (container,) = template["containers"]
    assert re.search(r"@sha256:[0-9a-f]{64}$", container["image"])
    assert app["deletion_protection"] is True
    assert not app["invoker_iam_disabled"]
    assert not template["service_account"].endswith("developer.gserviceaccount.com")


def test_service_has_what_a_gpu_needs(app: dict[str, Any]) -> None:
    (template,) = app["template"]
    (container,) = template["containers"]
    (resources,) = container["resources"]
    assert int(resources["limits"]["cpu"]) >= 4
    assert int(resources["limits"]["memory"].removesuffix("Gi")) >= 16
    assert resources["limits"]["nvidia.com/gpu"] == "1"
    assert resources["cpu_idle"] is False
    assert template["gpu_zonal_redundancy_disabled"] is True
    assert template["vpc_access"][0]["egress"] == "ALL_TRAFFIC"
    for probe in ("startup_probe", "liveness_probe"):
        assert container[probe][0]["http_get"][0]["path"] == "/health/live"


def test_secrets_are_no_plain_settings(app: dict[str, Any]) -> None:
    for variable in app["template"][0]["containers"][0]["env"]:
        if variable["name"] in ("HF_TOKEN", "KIKITORI_API_KEYS"):
            assert variable["value_source"], variable


def _of(changes: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (change["change"]["after"] for change in changes if change["type"] == kind and change["mode"] == "managed")


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All resources of a state, those of modules within too."""
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
