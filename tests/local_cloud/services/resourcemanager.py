"""Resource Manager: the project itself, and who may do what in it."""

from __future__ import annotations

from tests.local_cloud import policies
from tests.local_cloud.call import Call, Cloud
from tests.local_cloud.errors import GoogleError, invalid
from tests.local_cloud.store import Json

HOST = "cloudresourcemanager.googleapis.com"


def owners(cloud: Cloud) -> Json:
    """The policy of a project that somebody has just made."""
    return {"version": 1, "etag": policies.EMPTY_ETAG, "bindings": [{"role": "roles/owner", "members": [OWNER]}]}


OWNER = "user:owner@example.com"


def _get(call: Call) -> Json:
    project = call.cloud.project
    return {
        "projectNumber": project.number,
        "projectId": project.id,
        "lifecycleState": "ACTIVE",
        "name": project.id,
        "createTime": "2026-01-01T00:00:00Z",
    }


def _set_policy(call: Call) -> Json:
    policy = policies.replace(call)
    bindings = policy.get("bindings", [])
    if any(policies.EVERYBODY & set(binding["members"]) for binding in bindings):
        raise invalid("The members allUsers and allAuthenticatedUsers cannot have a role on a project.")
    if "roles/owner" not in {binding["role"] for binding in bindings}:
        raise GoogleError("FAILED_PRECONDITION", "A project needs at least one owner: the policy has no roles/owner.")
    return policy


def _test(call: Call) -> Json:
    """The owner has every permission."""
    return {"permissions": call.body.get("permissions", [])}


METHODS = {
    "cloudresourcemanager.v1": {
        "cloudresourcemanager.projects.get": _get,
        "cloudresourcemanager.projects.getIamPolicy": policies.get,
        "cloudresourcemanager.projects.setIamPolicy": _set_policy,
        "cloudresourcemanager.projects.testIamPermissions": _test,
    },
}
