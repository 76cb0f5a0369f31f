"""IAM policies: read, modify, write, under an etag (https://cloud.google.com/iam/docs/policies)."""

from __future__ import annotations

import re

from .call import Call, new_etag
from .errors import GoogleError, bad_field, invalid
from .store import Json

EMPTY_ETAG = "ACAB"
_MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers"
    r"|(user|group|serviceAccount):[^@\s:]+@[^@\s]+|domain:[^@\s]+"
    r"|project(Owner|Editor|Viewer):[^\s]+"
    r"|principal(Set)?://iam\.googleapis\.com/\S+"
    r"|deleted:\S+"
)
_ROLE = re.compile(r"(organizations/\d+/)?roles/[a-zA-Z0-9_.]+")


def get(call: Call, name: str | None = None) -> Json:
    """The policy of a resource; an empty one where none was set."""
    return call.store.policy(call.full(name)) or {"version": 1, "etag": EMPTY_ETAG}


def replace(call: Call, name: str | None = None, policy: Json | None = None) -> Json:
    """Set the policy of a resource.

    Raises:
        GoogleError: 409, somebody else set it since it was read; 400, a member or role that does not exist.
    """
    policy = call.body.get("policy") if policy is None else policy
    if policy is None:
        raise bad_field("policy", "Required field is missing.", "Policy must be specified.")
    given, current = policy.get("etag"), get(call, name)["etag"]
    if given and given.rstrip("=") != current.rstrip("="):
        raise GoogleError(
            "ABORTED",
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. "
            f"The request's ETag '{given}' did not match the current policy's ETag '{current}'.",
        )
    bindings = [binding for binding in policy.get("bindings", []) if binding.get("members")]
    for binding in bindings:
        _check(call, binding)
    if any("condition" in binding for binding in bindings) and policy.get("version", 1) < 3:
        raise invalid("A policy with conditions must have version 3.")
    stored = {**policy, "bindings": bindings, "version": policy.get("version", 1) or 1, "etag": new_etag()}
    if not bindings:
        del stored["bindings"]
    call.store.set_policy(call.full(name), stored)
    return stored


def _check(call: Call, binding: Json) -> None:
    role = binding.get("role", "")
    if not _ROLE.fullmatch(role):
        raise invalid(f"Role {role} is not supported for this resource.")
    for member in binding["members"]:
        if not _MEMBER.fullmatch(member):
            raise invalid(f"Invalid member '{member}': it needs a type, such as user:, group: or serviceAccount:.")
        kind, _, email = member.partition(":")
        if kind == "serviceAccount" and email.endswith(f"@{call.cloud.project.id}.iam.gserviceaccount.com"):
            account = f"iam.googleapis.com/projects/{call.cloud.project.id}/serviceAccounts/{email}"
            if call.store.get(account) is None:
                raise invalid(f"Service account {email} does not exist.")


def members(call: Call, full_name: str, role: str) -> set[str]:
    """Who has a role on a resource, by its own policy."""
    policy = call.store.policy(full_name) or {}
    return {m for b in policy.get("bindings", []) if b["role"] == role for m in b["members"]}
