"""Compute Engine: the network that a service reaches the buckets through."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from tests.local_cloud.call import Call, digits, now
from tests.local_cloud.errors import GoogleError, bad_field, exists, not_found
from tests.local_cloud.resources import live
from tests.local_cloud.store import Json

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


def _link(call: Call, name: str) -> str:
    return f"https://www.googleapis.com/compute/v1/{name}"


def _operation(call: Call, target: str, kind: str) -> Json:
    """An operation of Compute Engine, which has a shape of its own. Its effect is there at once."""
    scope = re.match(r"projects/[^/]+/(global|regions/[^/]+)", target)
    identity = digits(19)
    name = f"{scope[0] if scope else target}/operations/operation-{identity}"
    body = {
        "kind": "compute#operation",
        "id": identity,
        "name": f"operation-{identity}",
        "operationType": kind,
        "targetLink": _link(call, target),
        "selfLink": _link(call, name),
        "status": "RUNNING",
        "progress": 0,
        "insertTime": now(),
    }
    if "regions/" in name:
        body["region"] = _link(call, name.rpartition("/operations/")[0])
    call.store.put_operation(call.full(name), {**body, "status": "DONE", "progress": 100, "endTime": now()}, 0)
    return body


def _get_operation(call: Call) -> Json:
    found = call.store.operation(call.full())
    if found is None:
        raise not_found(call.name)
    return found[0]


def _insert(call: Call, extra: Json) -> Json:
    name = call.body.get("name", "")
    if not _NAME.fullmatch(name):
        raise bad_field("resource.name", "Invalid value", f"Invalid value for field 'resource.name': '{name}'.")
    full = f"{call.name}/{name}"
    if call.store.get(call.full(full)):
        raise exists(full)
    body = {**extra, **call.body, "id": digits(19), "creationTimestamp": now(), "selfLink": _link(call, full)}
    if call.fault.get("operation"):
        raise GoogleError("UNAVAILABLE", "This fault was asked for.")
    call.store.put(call.full(full), body)
    return _operation(call, full, "insert")


def _insert_network(call: Call) -> Json:
    return _insert(call, {"kind": "compute#network", "routingConfig": {"routingMode": "REGIONAL"}})


def _insert_subnetwork(call: Call) -> Json:
    body = call.body
    network = _path(body.get("network", ""))
    if call.store.get(call.full(network)) is None:
        raise bad_field("resource.network", f"The resource '{network}' was not found")
    try:
        block = ipaddress.ip_network(body.get("ipCidrRange", ""))
    except ValueError as error:
        raise bad_field("resource.ipCidrRange", str(error)) from error
    if block.prefixlen > 29:
        raise bad_field("resource.ipCidrRange", "The range must hold at least 8 addresses")
    region = call.part("regions")
    body["network"] = _link(call, network)
    extra = {
        "kind": "compute#subnetwork",
        "fingerprint": "AAAAAAAAAAA=",
        "region": _link(call, f"projects/{call.part('projects')}/regions/{region}"),
        "gatewayAddress": str(block[1]),
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "privateIpGoogleAccess": False,
        "allowSubnetCidrRoutesOverlap": False,
    }
    return _insert(call, extra)


def _path(link: str) -> str:
    """A resource's name from its link."""
    return re.sub(r"^.*?(?=projects/)", "", link)


def _get(call: Call) -> Json:
    return live(call).body


def _patch(call: Call) -> Json:
    entity = live(call)
    given = {name: value for name, value in call.body.items() if name != "fingerprint"}
    call.store.put(entity.name, entity.body | given)
    return _operation(call, call.name, "patch")


def _set_google_access(call: Call) -> Json:
    name = call.name.removesuffix("/setPrivateIpGoogleAccess")
    entity = live(call, name)
    wanted = call.body.get("privateIpGoogleAccess", False)
    call.store.put(entity.name, entity.body | {"privateIpGoogleAccess": wanted})
    return _operation(call, name, "setPrivateIpGoogleAccess")


def _delete(call: Call) -> Json:
    entity = live(call)
    users: list[Any] = [
        each.name
        for each in call.store.children(f"{call.method.api.host}/projects/{call.part('projects')}/regions", deeper=True)
        if _path(each.body.get("network", "")) == call.name
    ]
    if users:
        raise GoogleError(
            "FAILED_PRECONDITION", f"The network resource '{call.name}' is already being used by '{users[0]}'"
        )
    call.store.remove(entity.name)
    return _operation(call, call.name, "delete")


METHODS = {
    "compute.v1": {
        "compute.networks.insert": _insert_network,
        "compute.networks.get": _get,
        "compute.networks.patch": _patch,
        "compute.networks.delete": _delete,
        "compute.subnetworks.insert": _insert_subnetwork,
        "compute.subnetworks.get": _get,
        "compute.subnetworks.patch": _patch,
        "compute.subnetworks.setPrivateIpGoogleAccess": _set_google_access,
        "compute.subnetworks.delete": _delete,
        "compute.globalOperations.get": _get_operation,
        "compute.regionOperations.get": _get_operation,
    }
}
