"""A deploy is done when an instance of its revision has started, where a Cloud Run beside this starts any.

https://docs.cloud.google.com/run/docs/deploying and .../troubleshooting, "Container failed to start".
"""

from __future__ import annotations

from tests.local_cloud import operations
from tests.local_cloud.call import Call, now
from tests.local_cloud.errors import GoogleError
from tests.local_cloud.resources import live
from tests.local_cloud.store import Json


def operation(call: Call) -> Json:
    """An operation of Cloud Run as it is now."""
    answer = operations.get(call)
    name = answer.get("response", {}).get("name")
    entity = call.store.get(call.full(name)) if name else None
    if entity is None or call.cloud.meter is None:
        return answer
    revision = live(call, entity.body["latestCreatedRevision"])
    rollout = call.cloud.meter.rollout(name, revision.body["uid"])
    if rollout == "ready":
        return answer
    waiting = {key: answer[key] for key in ("name", "metadata")}
    if rollout == "starting":
        return {**waiting, "done": False}
    words = (
        f"Revision '{revision.name.rpartition('/')[2]}' is not ready and cannot serve traffic. The user-provided"
        " container failed to start and listen on the port defined provided by the PORT environment variable within the"
        " allocated timeout."
    )
    _remember(call, entity.body, words)
    return {**waiting, "done": True, "error": GoogleError("FAILED_PRECONDITION", words).as_status()}


def _remember(call: Call, service: Json, words: str) -> None:
    """The service says why, and that what was ready before still is."""
    failed = {"type": "Ready", "state": "CONDITION_FAILED", "reason": "UNKNOWN", "message": words}
    service["terminalCondition"] = {**failed, "lastTransitionTime": now()}
    revisions = call.store.children(call.full(f"{service['name']}/revisions"))
    meter = call.cloud.meter
    ready = [
        entity.body["name"]
        for entity in revisions
        if meter and meter.rollout(service["name"], entity.body["uid"]) == "ready"
    ]
    service.pop("latestReadyRevision", None)
    if ready:
        service["latestReadyRevision"] = ready[-1]
    call.store.put(call.full(service["name"]), service)
