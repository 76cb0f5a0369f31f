"""Cloud Storage's buckets (https://cloud.google.com/storage/docs/json_api/v1/buckets)."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from tests.local_cloud import labels, policies
from tests.local_cloud.admission import LOCATIONS
from tests.local_cloud.call import Call, now
from tests.local_cloud.errors import GoogleError, bad_field, invalid
from tests.local_cloud.masks import value_at
from tests.local_cloud.store import Entity, Json

HOST = "storage.googleapis.com"
_NAME = re.compile(
    r"(?!goog)(?!.*(google|g00gle))(?!.*(\.\.|\.-|-\.))(?!\d+(\.\d+){3}$)[a-z0-9][a-z0-9_.-]{1,220}[a-z0-9]"
)
"""https://cloud.google.com/storage/docs/buckets#naming."""
_SERVERS = set(
    "kind id selfLink projectNumber owner generation metageneration timeCreated updated softDeleteTime hardDeleteTime"
    " etag locationType satisfiesPZI satisfiesPZS".split()
)
"""What is Google's alone in a bucket: it is ignored where a client sends it."""
_CLASSES = "STANDARD NEARLINE COLDLINE ARCHIVE".split()
_ACTIONS = {"Delete", "SetStorageClass", "AbortIncompleteMultipartUpload"}
_SOFT_DELETE_S, _LONGEST_SOFT_DELETE_S = 7 * 24 * 3600, 90 * 24 * 3600
_LONGEST_RETENTION_S = 3_155_760_000
_MOST_RULES = 100
_OF_ABORT = {"age", "matchesPrefix", "matchesSuffix"}


def bucket(call: Call, name: str | None = None) -> Entity:
    """A bucket.

    Raises:
        GoogleError: 404.
    """
    entity = call.store.get(f"{HOST}/b/{name or call.path['bucket']}")
    if entity is None:
        raise GoogleError("NOT_FOUND", "The specified bucket does not exist.")
    return entity


def precondition(call: Call, field: str, body: Json | None) -> None:
    """`ifGenerationMatch` and its kin.

    Raises:
        GoogleError: 412.
    """
    title = field[0].upper() + field[1:]
    current = str(body[field]) if body else "0"
    wanted, unwanted = call.query.get(f"if{title}Match"), call.query.get(f"if{title}NotMatch")
    if (wanted is not None and wanted != current) or (unwanted is not None and unwanted == current):
        raise GoogleError("CONDITION_NOT_MET", "At least one of the pre-conditions you specified did not hold.")


def is_known(call: Call, body: Json, *fields: str) -> bool:
    """Whether a reader said that it has this very one: it gets 304, where a writer would get 412."""
    return any(call.query.get(f"if{field[0].upper()}{field[1:]}NotMatch") == body[field] for field in fields)


def _check(body: Json) -> None:
    if not _NAME.fullmatch(body["name"]) or any(len(part) > 63 for part in body["name"].split(".")):
        raise invalid(f"Invalid bucket name: '{body['name']}'")
    if body["location"].lower() not in LOCATIONS:
        raise invalid(f"The specified location constraint is not valid: {body['location']}")
    if body["storageClass"] not in _CLASSES:
        raise bad_field("storageClass", f"Invalid storage class {body['storageClass']}")
    configuration = body["iamConfiguration"]
    if configuration["publicAccessPrevention"] not in ("enforced", "inherited"):
        raise bad_field("iamConfiguration.publicAccessPrevention", "must be enforced or inherited")
    labels.check(body.get("labels", {}), "labels")
    _check_lifecycle(body.get("lifecycle", {}).get("rule", []))
    _check_periods(body)
    uniform = configuration["uniformBucketLevelAccess"]["enabled"]
    if value_at(body, "hierarchicalNamespace.enabled") and (not uniform or value_at(body, "versioning.enabled")):
        raise bad_field("hierarchicalNamespace", "needs uniform bucket-level access, and no object versioning")


def _check_lifecycle(rules: list[Json]) -> None:
    """https://cloud.google.com/storage/docs/lifecycle."""
    if len(rules) > _MOST_RULES:
        raise bad_field("lifecycle.rule", f"At most {_MOST_RULES} rules are allowed")
    for rule in rules:
        action, condition = rule.get("action") or {}, rule.get("condition") or {}
        if action.get("type") not in _ACTIONS or not condition:
            raise bad_field("lifecycle.rule", "A rule needs a known action and at least one condition")
        if action["type"] == "SetStorageClass" and action.get("storageClass") not in _CLASSES:
            raise bad_field("lifecycle.rule.action.storageClass", "SetStorageClass needs a storage class")
        if action["type"] == "AbortIncompleteMultipartUpload" and not condition.keys() <= _OF_ABORT:
            raise bad_field(
                "lifecycle.rule.condition", f"{action['type']} may have only {', '.join(sorted(_OF_ABORT))}"
            )
        if (condition.get("age") or 0) < 0:
            raise bad_field("lifecycle.rule.condition.age", "must not be negative")


def _check_periods(body: Json) -> None:
    """https://cloud.google.com/storage/docs/soft-delete and .../bucket-lock."""
    kept = int(body["softDeletePolicy"]["retentionDurationSeconds"])
    if kept and not _SOFT_DELETE_S <= kept <= _LONGEST_SOFT_DELETE_S:
        raise bad_field("softDeletePolicy.retentionDurationSeconds", "must be 0, or from 7 to 90 days")
    retained = value_at(body, "retentionPolicy.retentionPeriod")
    if retained is not None and not 0 < int(retained) <= _LONGEST_RETENTION_S:
        raise bad_field("retentionPolicy.retentionPeriod", "must be more than 0 and at most 100 years")


def _given(call: Call) -> Json:
    return {name: value for name, value in call.body.items() if name not in _SERVERS}


def _complete(body: Json) -> Json:
    body = {
        **body,
        "location": body.get("location", "US").upper(),
        "storageClass": body.get("storageClass", "STANDARD"),
    }
    uniform = body.get("iamConfiguration", {}).get("uniformBucketLevelAccess", {})
    body["iamConfiguration"] = {
        "uniformBucketLevelAccess": {"enabled": uniform.get("enabled", False)},
        "publicAccessPrevention": "inherited",
        **{k: v for k, v in body.get("iamConfiguration", {}).items() if k == "publicAccessPrevention"},
    }
    kept = body.get("softDeletePolicy", {}).get("retentionDurationSeconds", _SOFT_DELETE_S)
    body["softDeletePolicy"] = {"retentionDurationSeconds": str(kept), "effectiveTime": now()}
    region = body["location"].lower() not in ("us", "eu", "asia")
    return (
        {**body, "locationType": "region" if region else "multi-region", "rpo": "DEFAULT"}
        if not region
        else {**body, "locationType": "region"}
    )


def _insert(call: Call) -> Json:
    name = call.body.get("name")
    if not name:
        raise bad_field("name", "Required", "Required parameter: name")
    full = f"{HOST}/b/{name}"
    if call.store.get(full):
        raise GoogleError(
            "ALREADY_EXISTS", "Your previous request to create the named bucket succeeded and you already own it."
        )
    body = _complete(_given(call))
    _check(body)
    body |= {
        "kind": "storage#bucket",
        "id": name,
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
        "projectNumber": call.cloud.project.number,
        "metageneration": "1",
        "generation": "1",
        "timeCreated": now(),
        "updated": now(),
        "etag": "CAE=",
    }
    call.store.put(full, body)
    project = call.cloud.project.id
    own = [f"projectEditor:{project}", f"projectOwner:{project}"]
    bindings = [
        {"role": "roles/storage.legacyBucketOwner", "members": own},
        {"role": "roles/storage.legacyBucketReader", "members": [f"projectViewer:{project}"]},
    ]
    call.store.set_policy(full, {"version": 1, "etag": "CAE=", "bindings": bindings})
    return body


def _get(call: Call) -> Any:
    body = bucket(call).body
    if is_known(call, body, "metageneration"):
        return Response(status_code=304)
    precondition(call, "metageneration", body)
    return body


def _patch(call: Call) -> Json:
    """A merge (RFC 7396): an object that is given is merged, null takes away."""
    entity = bucket(call)
    precondition(call, "metageneration", entity.body)
    for name in ("location", "name"):
        if name in call.body and (call.body[name] or "").lower() != entity.body[name].lower():
            raise bad_field(name, "A bucket's name and location cannot be changed")
    body = _complete(_merged(entity.body, _given(call)))
    _check(body)
    body |= {"metageneration": str(int(body["metageneration"]) + 1), "updated": now()}
    body["etag"] = f"CAE{body['metageneration']}="
    call.store.put(entity.name, body)
    return body


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(new, dict):
        return new
    old = old if isinstance(old, dict) else {}
    merged = {**old, **{name: _merged(old.get(name), value) for name, value in new.items()}}
    return {name: value for name, value in merged.items() if value is not None}


def _delete(call: Call) -> Json:
    entity = bucket(call)
    precondition(call, "metageneration", entity.body)
    if call.store.children(entity.name, deeper=True):
        raise GoogleError("ALREADY_EXISTS", "The bucket you tried to delete is not empty.")
    call.store.remove(entity.name)
    return {}


def _get_policy(call: Call) -> Json:
    return {"kind": "storage#policy", **policies.get(call, f"b/{bucket(call).body['name']}")}


def _set_policy(call: Call) -> Json:
    entity = bucket(call)
    everyone = {m for b in call.body.get("bindings", []) for m in b.get("members", [])} & {
        "allUsers",
        "allAuthenticatedUsers",
    }
    if everyone and entity.body["iamConfiguration"]["publicAccessPrevention"] == "enforced":
        raise GoogleError(
            "CONDITION_NOT_MET",
            "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is "
            "enforced.",
        )
    uniform = entity.body["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"]
    if not uniform and any("condition" in binding for binding in call.body.get("bindings", [])):
        raise GoogleError("CONDITION_NOT_MET", "Conditions in a bucket's policy need uniform bucket-level access.")
    given = {name: value for name, value in call.body.items() if name not in ("kind", "resourceId")}
    return {
        "kind": "storage#policy",
        **policies.replace(call, f"b/{entity.body['name']}", given, stale="CONDITION_NOT_MET"),
    }


METHODS = {
    "storage.v1": {
        "storage.buckets.insert": _insert,
        "storage.buckets.get": _get,
        "storage.buckets.patch": _patch,
        "storage.buckets.delete": _delete,
        "storage.buckets.getIamPolicy": _get_policy,
        "storage.buckets.setIamPolicy": _set_policy,
    }
}
