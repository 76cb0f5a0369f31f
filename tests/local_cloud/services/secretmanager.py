"""Secret Manager: secrets and their versions."""

from __future__ import annotations

import base64

from tests.local_cloud.call import Call, now
from tests.local_cloud.errors import bad_field, not_found
from tests.local_cloud.resources import Change, Collection, live
from tests.local_cloud.store import Json

HOST = "secretmanager.googleapis.com"


def _check(change: Change) -> None:
    kinds = [kind for kind in ("automatic", "userManaged") if kind in change.body.get("replication", {})]
    if len(kinds) != 1:
        raise bad_field("secret.replication", "Exactly one of automatic and userManaged is needed")


def _add_version(call: Call) -> Json:
    secret = live(call)
    data = call.body.get("payload", {}).get("data")
    if not data:
        raise bad_field("payload.data", "Required field is missing", "The payload must not be empty.")
    number = len(call.store.children(f"{secret.name}/versions")) + 1
    name = f"{call.name}/versions/{number}"
    body = {
        "name": call.cloud.by_number(name),
        "createTime": now(),
        "state": "ENABLED",
        "replicationStatus": {"automatic": {}},
        "etag": f'"{number}"',
    }
    call.store.put(call.full(name), body)
    call.store.put_content(call.full(name), base64.b64decode(data))
    return body


def _version(call: Call) -> Json:
    """A version by its number or as `latest`."""
    secret, _, wanted = call.full().partition("/versions/")
    versions = call.store.children(f"{secret}/versions")
    found = versions[-1:] if wanted == "latest" else [each for each in versions if each.name == call.full()]
    if not found:
        raise not_found(call.name)
    return found[0].body


def _access(call: Call) -> Json:
    name = _version(call)["name"]
    data = call.store.content(call.full(call.cloud.by_id(name))) or b""
    return {"name": name, "payload": {"data": base64.b64encode(data).decode()}}


_SECRETS = Collection(
    "secretmanager.v1",
    "projects.secrets",
    "create get patch delete getIamPolicy setIamPolicy",
    id="secretId",
    pattern=r"[A-Za-z0-9_-]{1,255}",
    required=("replication",),
    immutable=("replication",),
    mask="required",
    etag=True,
    numbered=True,
    check=_check,
)

METHODS = {
    "secretmanager.v1": {
        **_SECRETS.methods(),
        "secretmanager.projects.secrets.addVersion": _add_version,
        "secretmanager.projects.secrets.versions.get": _version,
        "secretmanager.projects.secrets.versions.access": _access,
    }
}
