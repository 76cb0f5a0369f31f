"""IAM policies: read, modify, write, under an etag (https://cloud.google.com/iam/docs/policies)."""

from __future__ import annotations

import copy
import hashlib
import json
import re

from . import accounts, conditions, roles
from .call import Call, new_etag
from .errors import GoogleError, bad_field, invalid
from .schema import camel
from .store import Json, Store

EMPTY_ETAG = "ACAB"
EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
_POOL = r"principal(?:Set)?://iam\.googleapis\.com/(projects/\d+/locations/global/workloadIdentityPools/[a-z0-9-]+)"
_OF_POOL = re.compile(rf"{_POOL}/(subject/\S+|group/\S+|attribute\.[a-z0-9_]+/\S+|\*)")
_MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers"
    r"|(user|group|serviceAccount):[^@\s:]+@[^@\s:?]+|domain:[^@\s]+"
    r"|project(Owner|Editor|Viewer):[^\s]+"
    r"|principal(Set)?://iam\.googleapis\.com/locations/global/workforcePools/[^\s/]+/\S+"
    r"|deleted:(user|group|serviceAccount):[^@\s:]+@[^@\s:?]+\?uid=\d+|deleted:principal(Set)?://\S+"
)
_FIELDS = ("bindings", "auditConfigs")
_WITH_CONDITIONS = 3


def get(call: Call, name: str | None = None) -> Json:
    """The policy of a resource; an empty one where none was set.

    Who does not ask for version 3 sees that a binding is conditional only in its role's name:
    https://cloud.google.com/iam/docs/troubleshooting-withcond.
    """
    policy = _stored(call, name)
    if _requested(call) >= _WITH_CONDITIONS:
        return policy
    plain = {**policy, "version": 1}
    for binding in plain.get("bindings", []):
        if condition := binding.pop("condition", None):
            digest = hashlib.sha256(json.dumps(condition, sort_keys=True).encode()).hexdigest()
            binding["role"] += f"_withcond_{digest[:20]}"
    return plain


def _stored(call: Call, name: str | None) -> Json:
    return call.store.policy(call.full(name)) or {"version": 1, "etag": EMPTY_ETAG}


def _requested(call: Call) -> int:
    """The version that a reader understands."""
    query = call.query
    given = query.get("options.requestedPolicyVersion") or query.get("optionsRequestedPolicyVersion") or 0
    return _version(int(given or call.body.get("options", {}).get("requestedPolicyVersion", 0)))


def _version(version: int) -> int:
    if version not in (0, 1, _WITH_CONDITIONS):
        raise invalid(f"Invalid policy version {version}: must be 0, 1 or {_WITH_CONDITIONS}.")
    return version


def replace(call: Call, name: str | None = None, policy: Json | None = None, *, stale: str = "ABORTED") -> Json:
    """Set the policy of a resource.

    Raises:
        GoogleError: `stale`, 409 for all but Cloud Storage, somebody else set it since it was read; 400, a member, role
            or condition that is wrong.
    """
    policy = call.body.get("policy") if policy is None else policy
    if policy is None:
        raise bad_field("policy", "Required field is missing.", "Policy must be specified.")
    given, version, current = policy.get("etag"), policy.get("version", 0), _stored(call, name)
    if given and given.rstrip("=") != current["etag"].rstrip("="):
        raise GoogleError(
            stale,
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. "
            f"The request's ETag '{given}' did not match the current policy's ETag '{current['etag']}'.",
        )
    mask = _mask(call)
    after = {field: (policy if field in mask else current).get(field, []) for field in _FIELDS}
    bindings = after["bindings"] = [binding for binding in after["bindings"] if binding.get("members")]
    for binding in bindings:
        _check(call, binding)
    conditional = any("condition" in binding for binding in bindings)
    before = given and any("condition" in binding for binding in current.get("bindings", []))
    if _version(version) < _WITH_CONDITIONS and (conditional or before):
        raise invalid(f"A policy with conditional role bindings must specify version {_WITH_CONDITIONS}.")
    stored: Json = {field: value for field, value in after.items() if value}
    stored |= {"version": _WITH_CONDITIONS if conditional else 1, "etag": new_etag()}
    call.store.set_policy(call.full(name), stored)
    return stored


def _mask(call: Call) -> set[str]:
    """The fields of a policy that a call sets."""
    mask = {camel(part.strip()) for part in call.body.get("updateMask", "bindings").split(",")}
    if unknown := mask - {*_FIELDS, "etag", "version"}:
        raise invalid(f"Invalid field mask: the message has no field '{', '.join(unknown)}'.")
    return mask


def _check(call: Call, binding: Json) -> None:
    roles.check(binding.get("role", ""))
    if "condition" in binding:
        conditions.check_binding(binding["condition"])
    for member in binding["members"]:
        _check_member(call, member)


def _check_member(call: Call, member: str) -> None:
    of_pool = _OF_POOL.fullmatch(member)
    if of_pool:
        if call.store.get(f"iam.googleapis.com/{call.cloud.by_id(of_pool[1])}") is None:
            raise invalid(f"Identity Pool does not exist ({of_pool[1]}).")
        return
    if not _MEMBER.fullmatch(member):
        raise invalid(
            f"Invalid member '{member}': it needs a type, such as user:, group: or serviceAccount:; a principal of a "
            "pool is named with the project's number."
        )
    kind, _, email = member.partition(":")
    if kind == "serviceAccount" and accounts.is_missing(call.cloud, email):
        raise invalid(f"Service account {email} does not exist.")


def forget_account(store: Store, email: str, unique_id: str) -> None:
    """What becomes of the bindings of a service account that is deleted: another of its name does not get them.

    https://cloud.google.com/iam/docs/policies#handle-deleted-members
    """
    member, deleted = f"serviceAccount:{email}", f"deleted:serviceAccount:{email}?uid={unique_id}"
    for name, policy in store.policies().items():
        changed = copy.deepcopy(policy)
        for binding in changed.get("bindings", []):
            binding["members"] = [deleted if each == member else each for each in binding["members"]]
        if changed != policy:
            store.set_policy(name, changed)


def holders(store: Store, resource: conditions.Resource, *wanted: str) -> set[str]:
    """Who has one of some roles on a resource at this moment, by its own policy or its project's."""
    project = resource.stored.split("/")[2]
    bindings = [
        binding
        for name in (resource.stored, f"cloudresourcemanager.googleapis.com/projects/{project}")
        for binding in (store.policy(name) or {}).get("bindings", [])
        if binding["role"] in wanted
    ]
    return {
        member
        for binding in bindings
        if "condition" not in binding or conditions.holds(binding["condition"], resource)
        for member in binding["members"]
    }
