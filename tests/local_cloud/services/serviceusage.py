"""Service Usage: which APIs a project has enabled. Everything else of a project waits for this."""

from __future__ import annotations

from tests.local_cloud import discovery, operations
from tests.local_cloud.call import Call
from tests.local_cloud.errors import GoogleError, bad_field
from tests.local_cloud.paging import paged
from tests.local_cloud.resources import Handler
from tests.local_cloud.store import Entity, Json

HOST = "serviceusage.googleapis.com"
DEFAULT = "logging monitoring serviceusage servicemanagement storage storage-api".split()
"""What a new project has enabled: https://cloud.google.com/service-usage/docs/enabled-service (2026-11)."""

_WITHOUT_DOCUMENT = {
    f"{service}.googleapis.com"
    for service in "cloudapis containerregistry containerscanning fcmregistrations firebaseinstallations securetoken"
    " storage-api storage-component".split()
}
"""APIs that can be enabled and that there is no document of."""
_MOST_AT_ONCE = 20


def state_of(call: Call, service: str) -> Json:
    """A service as this API shows it."""
    project = call.cloud.project
    found = call.store.get(f"{HOST}/projects/{project.id}/services/{service}")
    return found.body if found else service_body(project.number, service, "DISABLED")


def service_body(number: str, service: str, state: str) -> Json:
    """A service in a state."""
    name = f"projects/{number}/services/{service}"
    return {"name": name, "config": {"name": service}, "state": state, "parent": f"projects/{number}"}


def _known(service: str) -> str:
    # firebase-tools makes the name of the API from the address that it was told to use for Hosting.
    if service == "127.0.0.1":
        return "firebasehosting.googleapis.com"
    if service in discovery.hosts() | _WITHOUT_DOCUMENT:
        return service
    about = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED",
        "domain": HOST,
        "metadata": {"services": service},
    }
    raise GoogleError("PERMISSION_DENIED", f"Not found or permission denied for service(s): {service}.", about)


def _set(call: Call, service: str, state: str) -> Json:
    project = call.cloud.project
    body = service_body(project.number, service, state)
    call.store.put(f"{HOST}/projects/{project.id}/services/{service}", body)
    return body


def _get(call: Call) -> Json:
    return state_of(call, _known(call.part("services")))


def _enable(call: Call) -> Json:
    service = _known(call.part("services"))
    response = {"service": state_of(call, service) | {"state": "ENABLED"}}
    return operations.start(call, "", response, lambda: _set(call, service, "ENABLED"))


def _disable(call: Call) -> Json:
    service = _known(call.part("services"))
    if state_of(call, service)["state"] != "ENABLED":
        raise GoogleError("FAILED_PRECONDITION", f"Service {service} is not enabled.")
    response = {"service": state_of(call, service) | {"state": "DISABLED"}}
    return operations.start(call, "", response, lambda: _set(call, service, "DISABLED"))


def _batch_enable(call: Call) -> Json:
    wanted = [_known(service) for service in call.body.get("serviceIds", [])]
    if not 1 <= len(wanted) <= _MOST_AT_ONCE:
        raise bad_field("service_ids", f"1 to {_MOST_AT_ONCE} services can be enabled at once")
    response = {"services": [state_of(call, service) | {"state": "ENABLED"} for service in wanted]}
    return operations.start(call, "", response, lambda: [_set(call, service, "ENABLED") for service in wanted])


def _list(call: Call) -> Json:
    wanted = call.query.get("filter", "")
    if wanted not in ("", "state:ENABLED", "state:DISABLED"):
        raise bad_field("filter", "Only state:ENABLED and state:DISABLED are supported")

    def fits(entity: Entity) -> bool:
        return wanted in ("", f"state:{entity.body['state']}")

    page, token = paged(call, filter(fits, call.store.children(call.full())))
    return {"services": [entity.body for entity in page]} | ({"nextPageToken": token} if token else {})


_SERVICES: dict[str, Handler] = {
    "serviceusage.services.get": _get,
    "serviceusage.services.list": _list,
    "serviceusage.services.enable": _enable,
    "serviceusage.services.disable": _disable,
    "serviceusage.services.batchEnable": _batch_enable,
    "serviceusage.operations.get": operations.get,
}

METHODS = {"serviceusage.v1": _SERVICES}
