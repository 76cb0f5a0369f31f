"""Compute Engine: the network that a service reaches the buckets through."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.local_cloud import operations
from tests.local_cloud.call import Call, digits, new_etag, now
from tests.local_cloud.errors import GoogleError, bad_field, exists
from tests.local_cloud.masks import value_at
from tests.local_cloud.resources import live
from tests.local_cloud.store import Json

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")


def _link(call: Call, name: str) -> str:
    return f"https://www.googleapis.com/compute/v1/{name}"


def _operation(call: Call, target: str, kind: str, effect: Callable[[], Any]) -> Json:
    """An operation of Compute Engine, which has a shape of its own."""
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
    ended = {**body, "status": "DONE", "progress": 100, "endTime": now()}
    if error := operations.take_effect(call, effect):
        ended["error"] = {"errors": [{"code": error.status, "message": error.message}]}
        ended |= {"httpErrorStatusCode": error.http, "httpErrorMessage": error.status}
    operations.remember(call, name, ended)
    return body


def _get_operation(call: Call) -> Json:
    body, ended = operations.found(call)
    if ended:
        return body
    late = ("error", "httpErrorStatusCode", "httpErrorMessage", "endTime")
    return {name: value for name, value in body.items() if name not in late} | {"status": "RUNNING", "progress": 0}


def _insert(call: Call, extra: Json) -> Json:
    name = call.body.get("name", "")
    if not _NAME.fullmatch(name):
        raise bad_field("resource.name", "Invalid value", f"Invalid value for field 'resource.name': '{name}'.")
    full = f"{call.name}/{name}"
    if call.store.get(call.full(full)):
        raise exists(full)
    body = {**extra, **call.body, "id": digits(19), "creationTimestamp": now(), "selfLink": _link(call, full)}
    return _operation(call, full, "insert", partial(call.store.put, call.full(full), body))


def _insert_network(call: Call) -> Json:
    return _insert(call, {"kind": "compute#network", "routingConfig": {"routingMode": "REGIONAL"}})


def _insert_subnetwork(call: Call) -> Json:
    body = call.body
    network = _path(body.get("network", ""))
    if call.store.get(call.full(network)) is None:
        raise bad_field("resource.network", f"The resource '{network}' was not found")
    block = _block(call, network)
    region = call.part("regions")
    body["network"] = _link(call, network)
    extra = {
        "kind": "compute#subnetwork",
        "fingerprint": new_etag(),
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
    """Merge what is given. What has a fingerprint changes only for those who know the newest."""
    entity = live(call)
    if "fingerprint" in entity.body:
        if call.body.get("fingerprint") != entity.body["fingerprint"]:
            raise GoogleError("CONDITION_NOT_MET", "The fingerprint is not the current one of the resource.")
        call.body["fingerprint"] = new_etag()
    return _operation(call, call.name, "patch", partial(call.store.put, entity.name, entity.body | call.body))


def _set_google_access(call: Call) -> Json:
    name = call.name.removesuffix("/setPrivateIpGoogleAccess")
    entity = live(call, name)
    body = entity.body | {"privateIpGoogleAccess": call.body.get("privateIpGoogleAccess", False)}
    return _operation(call, name, "setPrivateIpGoogleAccess", partial(call.store.put, entity.name, body))


def _expand(call: Call) -> Json:
    """A range becomes a larger one that holds it: https://cloud.google.com/vpc/docs/create-modify-vpc-networks."""
    name = call.name.removesuffix("/expandIpCidrRange")
    entity = live(call, name)
    block = _block(call, entity.body["network"], but=entity.body["name"])
    before = ipaddress.ip_network(entity.body["ipCidrRange"])
    if before.version != block.version or block.prefixlen >= before.prefixlen or not before.overlaps(block):
        raise bad_field("ipCidrRange", f"{block} is not a larger range that holds {before}")
    body = entity.body | {"ipCidrRange": str(block), "gatewayAddress": str(block[1]), "fingerprint": new_etag()}
    return _operation(call, name, "expandIpCidrRange", partial(call.store.put, entity.name, body))


def _block(call: Call, network: str, but: str = "") -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The range in a request, which no other subnetwork of that network has a part of."""
    try:
        block = ipaddress.ip_network(call.body.get("ipCidrRange", ""))
    except ValueError as error:
        raise bad_field("resource.ipCidrRange", str(error)) from error
    if block.prefixlen > 29:
        raise bad_field("resource.ipCidrRange", "The range must hold at least 8 addresses")
    others = [each for each in _subnetworks(call) if _path(each["network"]) == _path(network) and each["name"] != but]
    for other in others:
        if block.overlaps(ipaddress.ip_network(other["ipCidrRange"])):
            raise bad_field(
                "resource.ipCidrRange",
                f"Invalid IPCidrRange: {block} conflicts with existing subnetwork '{other['name']}' in the network.",
            )
    return block


def _subnetworks(call: Call) -> list[Json]:
    regions = f"{call.method.api.host}/projects/{call.part('projects')}/regions"
    return [entity.body for entity in call.store.children(regions, deeper=True)]


def _services(call: Call) -> list[str]:
    """The services of Cloud Run that send through a network or a subnetwork. Google names an address of theirs."""
    project = f"projects/{call.part('projects')}"
    users = []
    for entity in call.store.children(f"run.googleapis.com/{project}/locations", deeper=True):
        region = entity.name.split("/")[4]
        for interface in value_at(entity.body, "template.vpcAccess.networkInterfaces") or []:
            network, given = interface.get("network", ""), interface.get("subnetwork")
            subnetwork = (given or network).rpartition("/")[2]  # that of the network's name, if there is none
            places = {f"global/networks/{network.rpartition('/')[2]}", f"regions/{region}/subnetworks/{subnetwork}"}
            if call.name.removeprefix(f"{project}/") in places:
                users.append(entity.body["name"])
    return users


def _delete(call: Call) -> Json:
    entity = live(call)
    users = [_path(each["selfLink"]) for each in _subnetworks(call) if _path(each["network"]) == call.name]
    users += _services(call)
    if users:
        kind = entity.body["kind"].removeprefix("compute#")
        raise GoogleError(
            "FAILED_PRECONDITION",
            f"The {kind} resource '{call.name}' is already being used by '{users[0]}'",
            reason="resourceInUseByAnotherResource",
        )
    return _operation(call, call.name, "delete", partial(call.store.remove, entity.name))


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
        "compute.subnetworks.expandIpCidrRange": _expand,
        "compute.subnetworks.delete": _delete,
        "compute.globalOperations.get": _get_operation,
        "compute.regionOperations.get": _get_operation,
    }
}
