"""Cloud Run: services and their revisions."""

from __future__ import annotations

import copy
import hashlib
import random
from typing import Any

from tests.local_cloud.call import digits, new_etag, now
from tests.local_cloud.errors import GoogleError
from tests.local_cloud.resources import Change, Collection, live
from tests.local_cloud.store import Json

from . import run_containers, run_rollouts, run_rules

_LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
_PROBE = {"initialDelaySeconds": 0, "timeoutSeconds": 1, "periodSeconds": 10, "failureThreshold": 3}


def _check(change: Change) -> None:
    _defaults(change)
    run_rules.check(change)
    failure = _failure(change)
    asked = change.call.fault.get("operation", {})
    if failure and "status" not in asked:
        change.call.fault = {"operation": {**asked, **failure}}


def _failure(change: Change) -> Json | None:
    """Why the revision of a service that is accepted will not start."""
    call, template = change.call, change.body["template"]
    if image := run_rules.image_missing(call, template):
        return {"status": "NOT_FOUND", "message": f"Image '{image}' not found."}
    if words := run_rules.secrets_missing(call, template):
        return {"status": "FAILED_PRECONDITION", "message": words}
    return None


def _defaults(change: Change) -> None:
    body, project = change.body, change.call.cloud.project
    template = body["template"]
    template.setdefault("timeout", "300s")
    template.setdefault("serviceAccount", f"{project.number}-compute@developer.gserviceaccount.com")
    template.setdefault("scaling", {}).setdefault("maxInstanceCount", 100)
    for container in template.get("containers", []):
        resources = container.setdefault("resources", {"cpuIdle": True})
        limits = resources.setdefault("limits", {})
        limits.setdefault("cpu", "1000m")
        limits.setdefault("memory", "512Mi")
        if len(template["containers"]) == 1 and not container.get("ports"):
            container["ports"] = [{}]
        for port in container.get("ports", []):
            port.setdefault("name", "http1")
            port.setdefault("containerPort", 8080)
        if container.get("ports") and "startupProbe" not in container:
            socket = {"port": container["ports"][0]["containerPort"]}
            container["startupProbe"] = {**run_containers.USUAL_STARTUP, "tcpSocket": socket}
        for name in run_containers.PROBES:
            if name in container:
                _probe_defaults(container, name)
    if not template.get("maxInstanceRequestConcurrency"):
        template["maxInstanceRequestConcurrency"] = run_rules.usual_concurrency(template)
    body.setdefault("ingress", "INGRESS_TRAFFIC_ALL")
    body.setdefault("launchStage", "GA")
    if not body.get("traffic"):
        body["traffic"] = [{"type": _LATEST, "percent": 100}]


def _probe_defaults(container: Json, name: str) -> None:
    probe = container[name] = {**_PROBE, **container[name]}
    port = (container.get("ports") or [{"containerPort": 8080}])[0]["containerPort"]
    for kind in ("httpGet", "tcpSocket", "grpc"):
        if kind in probe:
            probe[kind].setdefault("port", port)
    if "httpGet" in probe:
        probe["httpGet"].setdefault("path", "/")


def _fill(change: Change) -> None:
    body, before, call = change.body, change.before, change.call
    generation = int(before["generation"]) + 1 if before else 1
    revision = before["latestCreatedRevision"] if before else ""
    failure = call.fault.get("operation", {})
    failed = _failed(failure.get("message", "This fault was asked for.")) if "status" in failure else None
    if before is None or _settings(body["template"]) != _settings(before["template"]):
        revision = f"{change.name}/revisions/{_revision_name(change, generation)}"
        _store_revision(change, revision, generation, failed)
    elif failed is None:
        _try_again(change, revision)
    location, project = call.part("locations"), call.cloud.project
    spelled = hashlib.sha256(f"{project.number}/{location}".encode()).hexdigest()[:10]
    uri = f"https://{change.id}-{spelled}-{''.join(word[0] for word in location.split('-'))}.a.run.app"
    tagged = uri.replace("https://", "https://{}---")
    uri = call.cloud.addresses.get(change.id, uri)
    body |= {
        "uid": before["uid"] if before else digits(20),
        "generation": str(generation),
        "observedGeneration": str(generation),
        "creator": before["creator"] if before else "owner@example.com",
        "lastModifier": "owner@example.com",
        "latestCreatedRevision": revision,
        "latestReadyRevision": revision,
        "uri": uri,
        "urls": [f"https://{change.id}-{project.number}.{location}.run.app", uri],
        "terminalCondition": {"type": "Ready", "state": "CONDITION_SUCCEEDED", "lastTransitionTime": now()},
        "conditions": [
            {"type": kind, "state": "CONDITION_SUCCEEDED", "lastTransitionTime": now()}
            for kind in ("RoutesReady", "ConfigurationsReady")
        ],
        "reconciling": False,
    }
    body["trafficStatuses"] = [dict(target) for target in body["traffic"]]
    for target in body["trafficStatuses"]:
        if tag := target.get("tag"):
            target["uri"] = call.cloud.addresses.get(f"{tag}---{change.id}", tagged.format(tag))
    if failed:
        _remember_failure(change, failed)


def _failed(message: str) -> Json:
    """The condition of a service, and of its revision, that does not start."""
    reason = {"message": message, "state": "CONDITION_FAILED", "reason": "UNKNOWN"}
    return {"type": "Ready", "lastTransitionTime": now(), **reason}


def _try_again(change: Change, revision: str) -> None:
    """A revision that failed before anything of it ran is not made anew by an update: it is tried again (assumed)."""
    body = live(change.call, revision).body
    if body.pop("conditions", None):
        change.call.store.put(change.call.full(revision), body)


def _remember_failure(change: Change, failed: Json) -> None:
    """A service whose revision does not start is there all the same, and says why."""
    body = copy.deepcopy(change.body)
    body["terminalCondition"] = failed
    del body["latestReadyRevision"]
    if change.before and "latestReadyRevision" in change.before:
        body["latestReadyRevision"] = change.before["latestReadyRevision"]
    body["etag"] = new_etag()
    change.call.store.put(change.call.full(change.name), body)


def _settings(template: Json) -> Json:
    return {name: value for name, value in template.items() if name != "revision" or value}


def _revision_name(change: Change, generation: int) -> str:
    letters = "".join(random.Random(f"{change.name}{generation}").choices("bcdfghjklmnpqrstvwxz", k=3))
    return str(change.body["template"].get("revision") or f"{change.id}-{generation:05d}-{letters}")


def _store_revision(change: Change, revision: str, generation: int, failed: Json | None) -> None:
    call, template = change.call, change.body["template"]
    if call.store.get(call.full(revision)):
        raise GoogleError("ALREADY_EXISTS", f"Revision named '{revision.rpartition('/')[2]}' already exists.")
    shared = (
        "labels",
        "annotations",
        "timeout",
        "serviceAccount",
        "containers",
        "volumes",
        "maxInstanceRequestConcurrency",
        "nodeSelector",
        "gpuZonalRedundancyDisabled",
    )
    body: dict[str, Any] = {name: template[name] for name in shared if name in template}
    body |= {
        "name": revision,
        "uid": digits(20),
        "generation": str(generation),
        "createTime": now(),
        "service": change.id,
        "scaling": template["scaling"],
        "etag": f'"{generation}"',
    }
    if failed:
        body["conditions"] = [failed]
    call.store.put(call.full(revision), body)


_SERVICES = Collection(
    "run.v2",
    "projects.locations.services",
    "create get list patch delete getIamPolicy setIamPolicy",
    id="serviceId",
    pattern=r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?",
    required=("template",),
    mask="replace",
    etag=True,
    check=_check,
    fill=_fill,
)
_REVISIONS = Collection("run.v2", "projects.locations.services.revisions", "get list")

METHODS = {
    "run.v2": {
        **_SERVICES.methods(),
        **_REVISIONS.methods(),
        "run.projects.locations.operations.get": run_rollouts.operation,
    }
}
