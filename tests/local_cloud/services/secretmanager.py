"""Secret Manager: secrets and their versions.

What is destroyed in a secret with `versionDestroyTtl` is only disabled until that time has passed; the stand-in leaves
it at that: https://cloud.google.com/secret-manager/docs/delay-destruction-of-secret-versions
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import google_crc32c

from tests.local_cloud import labels
from tests.local_cloud.admission import LOCATIONS
from tests.local_cloud.call import Call, new_etag, now
from tests.local_cloud.errors import GoogleError, aborted, bad_field, not_found
from tests.local_cloud.masks import value_at
from tests.local_cloud.paging import paged_by
from tests.local_cloud.resources import Change, Collection, live
from tests.local_cloud.store import Entity, Json

HOST = "secretmanager.googleapis.com"
_LARGEST = 65536
_SHORTEST_ROTATION_S, _SHORTEST_DELAY_S = 3600, 24 * 3600


def _check(change: Change) -> None:
    kinds = [kind for kind in ("automatic", "userManaged") if kind in change.body.get("replication", {})]
    if len(kinds) != 1:
        raise bad_field("secret.replication", "Exactly one of automatic and userManaged is needed")
    labels.check(change.body.get("labels", {}), "secret.labels")
    _check_replicas(change.body["replication"])
    _check_times(change.body)
    topics, call = change.body.get("topics", []), change.call
    if "rotation" in change.body and not topics:
        raise bad_field("secret.rotation", "A rotation needs topics that are told of it")
    for topic in topics:
        if call.store.get(f"pubsub.googleapis.com/{call.cloud.by_id(topic.get('name', ''))}") is None:
            raise bad_field("secret.topics", f"Topic {topic.get('name')} does not exist")
    for alias, number in change.body.get("versionAliases", {}).items():
        if call.store.get(call.full(f"{change.name}/versions/{number}")) is None:
            raise bad_field("secret.version_aliases", f"'{alias}': there is no version {number}")


def _check_replicas(replication: Json) -> None:
    if "automatic" in replication:
        return
    places = [replica.get("location", "") for replica in replication["userManaged"].get("replicas", [])]
    if not places:
        raise bad_field("secret.replication.user_managed", "needs at least a replica")
    if len(set(places)) < len(places):
        raise bad_field("secret.replication.user_managed", "each replica needs a location of its own")
    for place in places:
        if place not in LOCATIONS:
            raise bad_field("secret.replication.user_managed", f"there is no location '{place}'")


def _check_times(body: Json) -> None:
    for path, least in (("rotation.rotationPeriod", _SHORTEST_ROTATION_S), ("versionDestroyTtl", _SHORTEST_DELAY_S)):
        value = value_at(body, path)
        if value is not None and float(value.removesuffix("s")) < least:
            raise bad_field(f"secret.{path}", f"must be at least {least} s")


def _add_version(call: Call) -> Json:
    secret = live(call)
    data = call.body.get("payload", {}).get("data")
    if not data:
        raise bad_field("payload.data", "Required field is missing", "The payload must not be empty.")
    content = base64.b64decode(data)
    if len(content) > _LARGEST:
        raise bad_field("payload.data", f"At most {_LARGEST} bytes are allowed")
    if call.body["payload"].get("dataCrc32c", str(google_crc32c.value(content))) != str(google_crc32c.value(content)):
        raise bad_field("payload.data_crc32c", "The checksum is not that of the payload")
    number = len(call.store.children(f"{secret.name}/versions")) + 1
    name = f"{call.name}/versions/{number}"
    body = {
        "name": call.cloud.by_number(name),
        "createTime": now(),
        "state": "ENABLED",
        "replicationStatus": {"automatic": {}},
        "etag": new_etag(),
    }
    call.store.put(call.full(name), body)
    call.store.put_content(call.full(name), content)
    return body


def _found(call: Call) -> Entity:
    """A version by its number or as `latest`, which is the newest one in whatever state."""
    secret, _, wanted = call.full().partition("/versions/")
    versions = call.store.children(f"{secret}/versions")
    found = versions[-1:] if wanted == "latest" else [each for each in versions if each.name == call.full()]
    if not found:
        raise not_found(call.name)
    return found[0]


def _version(call: Call) -> Json:
    return _found(call).body


def _listed(call: Call) -> Json:
    """A page of the versions, the newest first."""
    live(call, call.name.removesuffix("/versions"))
    versions = call.store.children(call.full())
    page, token = paged_by(call, reversed(versions), lambda entity: -entity.serial)
    answer: Json = {"totalSize": len(versions)}
    answer |= {"versions": [each.body for each in page]} if page else {}
    return answer | ({"nextPageToken": token} if token else {})


def _access(call: Call) -> Json:
    version = _found(call)
    if version.body["state"] != "ENABLED":
        message = f"Secret Version [{version.body['name']}] is in {version.body['state']} state."
        raise GoogleError("FAILED_PRECONDITION", message)
    data = call.store.content(version.name) or b""
    return {"name": version.body["name"], "payload": {"data": base64.b64encode(data).decode()}}


def _to(state: str) -> Callable[[Call], Json]:
    """Changes a version's state; one that is destroyed stays so."""

    def change(call: Call) -> Json:
        version = _found(call)
        if call.body.get("etag") not in (None, version.body["etag"]):
            raise aborted(call.name)
        if version.body["state"] == "DESTROYED":
            raise GoogleError("FAILED_PRECONDITION", f"Secret Version [{version.body['name']}] is in DESTROYED state.")
        kept = {key: value for key, value in version.body.items() if key != "scheduledDestroyTime"}
        body = {**kept, "state": state, "etag": new_etag()}
        if state == "DESTROYED":
            delay = live(call, call.name.partition("/versions/")[0]).body.get("versionDestroyTtl")
            if delay:
                body |= {"state": "DISABLED", "scheduledDestroyTime": now(float(delay.removesuffix("s")))}
            else:
                body["destroyTime"] = now()
                call.store.put_content(version.name, b"")
        call.store.put(version.name, body)
        return body

    return change


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
        "secretmanager.projects.secrets.versions.list": _listed,
        "secretmanager.projects.secrets.versions.access": _access,
        "secretmanager.projects.secrets.versions.enable": _to("ENABLED"),
        "secretmanager.projects.secrets.versions.disable": _to("DISABLED"),
        "secretmanager.projects.secrets.versions.destroy": _to("DESTROYED"),
    }
}
