"""Artifact Registry: repositories; their images are in a real registry (`registry.py`)."""

from __future__ import annotations

from typing import Any

from tests.local_cloud import labels, operations
from tests.local_cloud.call import Call
from tests.local_cloud.errors import bad_field
from tests.local_cloud.resources import Change, Collection


def _check(change: Change) -> None:
    body = change.body
    if body.get("format", "FORMAT_UNSPECIFIED") == "FORMAT_UNSPECIFIED":
        raise bad_field("repository.format", "Required field is missing")
    if "dockerConfig" in body and body["format"] != "DOCKER":
        raise bad_field("repository.docker_config", "Only a repository of format DOCKER has it")
    labels.check(body.get("labels", {}), "repository.labels")
    for key, policy in body.get("cleanupPolicies", {}).items():
        if policy.get("id", key) != key:
            raise bad_field("repository.cleanup_policies", f"The policy under '{key}' has another id")
        kinds = [kind for kind in ("condition", "mostRecentVersions") if kind in policy]
        if len(kinds) != 1:
            raise bad_field("repository.cleanup_policies", f"'{key}' needs one of condition and mostRecentVersions")
        if kinds == ["mostRecentVersions"] and policy.get("action") != "KEEP":
            raise bad_field("repository.cleanup_policies", f"'{key}': mostRecentVersions is only for KEEP")
        if policy.get("action") not in ("KEEP", "DELETE"):
            raise bad_field("repository.cleanup_policies", f"'{key}' needs the action KEEP or DELETE")


def _fill(change: Change) -> None:
    body, call = change.body, change.call
    body.setdefault("mode", "STANDARD_REPOSITORY")
    body["sizeBytes"] = "0"
    project, location = call.part("projects"), call.part("locations")
    body["registryUri"] = f"{location}-docker.pkg.dev/{project}/{change.id}"
    scanning = body.setdefault("vulnerabilityScanningConfig", {})
    disabled = scanning.get("enablementConfig") == "DISABLED"
    scanning["enablementState"] = "SCANNING_DISABLED" if disabled else "SCANNING_ACTIVE"


def _delete(call: Call) -> Any:
    """A repository goes with its images."""
    answer = _DELETE(call)
    if call.cloud.images and call.store.get(call.full()) is None:
        call.cloud.images.forget(
            f"{call.part('locations')}-docker.pkg.dev/{call.part('projects')}/{call.part('repositories')}"
        )
    return answer


_REPOSITORIES = Collection(
    "artifactregistry.v1",
    "projects.locations.repositories",
    "create get patch delete getIamPolicy setIamPolicy",
    id="repositoryId",
    immutable=("format", "mode", "kmsKeyName"),
    check=_check,
    fill=_fill,
)

_DELETE = _REPOSITORIES.methods()["artifactregistry.projects.locations.repositories.delete"]

METHODS = {
    "artifactregistry.v1": {
        **_REPOSITORIES.methods(),
        "artifactregistry.projects.locations.repositories.delete": _delete,
        "artifactregistry.projects.locations.operations.get": operations.get,
    }
}
