"""IAM policies by Google's client: etags, roles, members, conditions, and what a deleted account leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from .call import Project
from .conftest import PROJECT, Served
from .store import Json

_POOLS = "iam.googleapis.com/projects/{}/locations/global/workloadIdentityPools"
_VIEWERS = {"role": "roles/run.viewer", "members": ["group:readers@example.com"]}
_CONDITION = {"title": "until", "expression": "request.time < timestamp('2020-01-01T00:00:00Z')"}


@pytest.fixture
def projects(cloud: Served) -> Iterator[Any]:
    """The client of the project's policy, which is put back afterwards."""
    projects = cloud.client("cloudresourcemanager", "v1").projects()
    before = projects.getIamPolicy(resource=Project.id, body={"options": {"requestedPolicyVersion": 3}}).execute()
    yield projects
    del before["etag"]
    projects.setIamPolicy(resource=Project.id, body={"policy": before}).execute()


def _written(projects: Any, *bindings: Json, **changes: Any) -> Any:
    """The policy after bindings were added to it."""
    policy = projects.getIamPolicy(resource=Project.id, body={"options": {"requestedPolicyVersion": 3}}).execute()
    body = {"policy": {**policy, "bindings": [*policy["bindings"], *bindings], **changes}}
    return projects.setIamPolicy(resource=Project.id, body=body).execute()


def test_read_modify_write(projects: Any) -> None:
    policy = projects.getIamPolicy(resource=Project.id, body={}).execute()
    assert _VIEWERS in _written(projects, _VIEWERS)["bindings"]
    with pytest.raises(HttpError, match="concurrent policy changes") as stale:
        projects.setIamPolicy(resource=Project.id, body={"policy": policy}).execute()
    assert stale.value.status_code == 409
    with pytest.raises(HttpError, match="at least one owner"):
        projects.setIamPolicy(resource=Project.id, body={"policy": {"bindings": [_VIEWERS]}}).execute()


def test_mask(projects: Any) -> None:
    """Terraform's provider sends one."""
    audit = [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}]
    policy = projects.getIamPolicy(resource=Project.id, body={}).execute() | {"auditConfigs": audit}
    for mask, audited in [("bindings,etag", []), ("auditConfigs,bindings", audit), ("etag", audit), (None, audit)]:
        body = {"policy": policy, **({"updateMask": mask} if mask else {})}
        policy = projects.setIamPolicy(resource=Project.id, body=body).execute()
        assert policy.get("auditConfigs", []) == audited
        assert policy["bindings"]
        policy = {**policy, "auditConfigs": audit if mask == "bindings,etag" else []}
    with pytest.raises(HttpError, match="has no field 'colour'"):
        projects.setIamPolicy(resource=Project.id, body={"policy": policy, "updateMask": "colour"}).execute()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"members": ["readers@example.com"]}, "Invalid member"),
        ({"members": ["serviceAccount:nobody@kikitori-local.iam.gserviceaccount.com"]}, "does not exist"),
        ({"members": ["allUsers"]}, "cannot have a role on a project"),
        ({"members": ["deleted:serviceAccount:a@b.iam.gserviceaccount.com"]}, "Invalid member"),
        ({"members": [f"principalSet://{_POOLS.format(Project.id)}/none-such/*"]}, "the project's number"),
        ({"members": [f"principalSet://{_POOLS.format(Project.number)}/none-such/*"]}, "Identity Pool does not exist"),
        ({"members": [f"principal://{_POOLS.format(Project.number)}/none-such/subject/a"]}, "Pool does not exist"),
        ({"role": "viewer"}, "not supported"),
        ({"role": "roles/run.vewer"}, "not supported"),
        ({"role": "projects/p/roles/"}, "not supported"),
        ({"role": "roles/spanner.viewer"}, "does not know the roles of spanner"),
        ({"condition": {"expression": "true"}}, "condition.title: Required"),
        ({"condition": {**_CONDITION, "expression": "request.time <"}}, "Error compiling CEL expression"),
        ({"condition": {**_CONDITION, "expression": "resource.nme == 'x'"}}, "undeclared reference"),
        ({"condition": {**_CONDITION, "expression": "resource.name"}}, "must be a Boolean"),
    ],
)
def test_binding_refused(projects: Any, changes: Json, words: str) -> None:
    with pytest.raises(HttpError, match=words) as refused:
        _written(projects, {**_VIEWERS, **changes}, version=3)
    assert refused.value.status_code == (501 if "spanner" in str(changes) else 400)


@pytest.mark.parametrize(
    "role", ["projects/kikitori-local/roles/own", "organizations/12/roles/own", "roles/run.serviceAgent"]
)
def test_role_accepted(projects: Any, role: str) -> None:
    assert {**_VIEWERS, "role": role} in _written(projects, {**_VIEWERS, "role": role})["bindings"]


def test_conditions_need_version_3(projects: Any) -> None:
    conditional = {**_VIEWERS, "condition": _CONDITION}
    with pytest.raises(HttpError, match="must specify version 3"):
        _written(projects, conditional, version=1)
    with pytest.raises(HttpError, match="Invalid policy version 2"):
        _written(projects, conditional, version=2)
    assert _written(projects, conditional, version=3)["version"] == 3
    plain = projects.getIamPolicy(resource=Project.id, body={}).execute()
    hidden = next(binding for binding in plain["bindings"] if binding["members"] == _VIEWERS["members"])
    assert (plain["version"], hidden["role"].partition("_withcond_")[0]) == (1, "roles/run.viewer")
    assert "condition" not in hidden
    with pytest.raises(HttpError, match="must specify version 3"):
        projects.setIamPolicy(
            resource=Project.id, body={"policy": {**plain, "bindings": plain["bindings"][:1]}}
        ).execute()


def test_deleted_account_leaves_no_rights_to_the_next_of_its_name(cloud: Served, projects: Any) -> None:
    accounts = cloud.client("iam", "v1").projects().serviceAccounts()
    made = accounts.create(name=PROJECT, body={"accountId": "come-and-gone"}).execute()
    member = f"serviceAccount:{made['email']}"
    _written(projects, {"role": "roles/run.viewer", "members": [member]})
    accounts.delete(name=made["name"]).execute()
    gone = {"role": "roles/run.viewer", "members": [f"deleted:{member}?uid={made['uniqueId']}"]}
    assert gone in _written(projects, _VIEWERS)["bindings"]
    again = accounts.create(name=PROJECT, body={"accountId": "come-and-gone"}).execute()
    assert again["uniqueId"] != made["uniqueId"]
    policy = projects.getIamPolicy(resource=Project.id, body={}).execute()
    assert member not in str(policy).replace(f"deleted:{member}", "")
