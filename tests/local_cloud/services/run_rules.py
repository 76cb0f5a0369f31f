"""What Cloud Run refuses: https://cloud.google.com/run/docs/configuring/services/gpu and its neighbours (2026-11)."""

from __future__ import annotations

import re

from tests.local_cloud import policies
from tests.local_cloud.call import Call
from tests.local_cloud.errors import GoogleError, bad_field, invalid
from tests.local_cloud.resources import Change, value_at
from tests.local_cloud.store import Json

GPU_REGIONS = {
    "nvidia-l4": "asia-southeast1 asia-south1 europe-west1 europe-west4 us-central1 us-east4".split(),
}
GPU_QUOTA = 3
"""GPUs without zonal redundancy that a new project may use in a region; with it there are none."""

_CPUS = {1: 0.125, 2: 0.125, 4: 2.0, 6: 4.0, 8: 4.0}
"""Whole CPUs, each with the least memory in GiB."""
_MOST_MEMORY_GIB = 32
_LONGEST_S = 3600
_MOST_CONCURRENT = 1000
_GPU_WINDOW_S = 1800
_RESERVED_ENV = {"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "K_TRACE"}
_IMAGE = re.compile(r"[a-z0-9.:-]+(/[a-z0-9._-]+)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?")
_UNITS = {
    "": 1 / 2**30,
    "k": 1000 / 2**30,
    "M": 1000**2 / 2**30,
    "G": 1000**3 / 2**30,
    "Ki": 2**-20,
    "Mi": 2**-10,
    "Gi": 1,
}


def check(change: Change) -> None:
    """Refuse a service.

    Raises:
        GoogleError: 400.
    """
    template = change.body["template"]
    containers = template.get("containers", [])
    if not containers:
        raise bad_field("service.template.containers", "At least one container is required")
    if sum("ports" in container for container in containers) > 1:
        raise bad_field("service.template.containers", "Only one container may have ports")
    for container in containers:
        _container(container)
        _resources(container["resources"]["limits"])
        for name in ("startupProbe", "livenessProbe"):
            if name in container:
                _probe(container[name], name, gpu="nvidia.com/gpu" in container["resources"]["limits"])
    _scaling(change.body.get("scaling", {}), "service.scaling")
    _scaling(template.get("scaling", {}), "service.template.scaling")
    _limits(template)
    _gpu(change, template)
    _names(change, template)
    _account(change, template)
    _network(change, template)
    _traffic(change)


def _seconds(value: str) -> float:
    return float(value[:-1])


def _limits(template: Json) -> None:
    if not 0 < _seconds(template["timeout"]) <= _LONGEST_S:
        raise bad_field("service.template.timeout", f"must be more than 0 and at most {_LONGEST_S} seconds")
    if not 1 <= template["maxInstanceRequestConcurrency"] <= _MOST_CONCURRENT:
        raise bad_field("service.template.max_instance_request_concurrency", f"must be from 1 to {_MOST_CONCURRENT}")


def _scaling(scaling: Json, where: str) -> None:
    least, most = scaling.get("minInstanceCount", 0), scaling.get("maxInstanceCount", 0)
    if least < 0 or most < 0:
        raise bad_field(where, "must not be negative")
    if most and least > most:
        raise bad_field(where, f"minInstanceCount {least} must not be greater than maxInstanceCount {most}")


def cpu(limits: Json) -> float:
    """CPUs of a container's limits."""
    text = limits["cpu"]
    if not re.fullmatch(r"\d+(\.\d+)?|\d+m", text):
        raise bad_field("resources.limits.cpu", f"'{text}' is not a number of CPUs such as 4 or 4000m")
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def memory_gib(limits: Json) -> float:
    """Memory of a container's limits."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(k|M|G|Ki|Mi|Gi)?", limits["memory"])
    if not found:
        raise bad_field("resources.limits.memory", f"'{limits['memory']}' is not an amount such as 16Gi")
    return float(found[1]) * _UNITS[found[2] or ""]


def _container(container: Json) -> None:
    image = container.get("image", "")
    if not _IMAGE.fullmatch(image):
        raise bad_field(
            "service.template.containers.image", f"Expected an image path such as HOST/NAME@DIGEST, got '{image}'"
        )
    for port in container.get("ports", []):
        if not 1 <= port.get("containerPort", 0) <= 65535 or port.get("name", "http1") not in ("http1", "h2c"):
            raise bad_field("service.template.containers.ports", "needs a port of 1 to 65535, named http1 or h2c")
    names = [env.get("name", "") for env in container.get("env", [])]
    if reserved := _RESERVED_ENV & set(names):
        raise invalid(
            f"spec.template.spec.containers.env: The following reserved env names were provided: {sorted(reserved)}"
        )
    if len(set(names)) != len(names) or "" in names:
        raise bad_field("service.template.containers.env", "every variable needs a name of its own")


def _resources(limits: Json) -> None:
    if unknown := set(limits) - {"cpu", "memory", "nvidia.com/gpu"}:
        raise bad_field("resources.limits", f"only cpu, memory and nvidia.com/gpu are supported, not {sorted(unknown)}")
    cpus, memory = cpu(limits), memory_gib(limits)
    if cpus >= 1 and cpus not in _CPUS:
        raise bad_field("resources.limits.cpu", f"Invalid value {limits['cpu']}: must be one of 1, 2, 4, 6, 8")
    if memory < _CPUS.get(int(cpus), 0.125) or memory > _MOST_MEMORY_GIB:
        raise bad_field(
            "resources.limits.memory", f"{limits['memory']} does not fit {limits['cpu']} CPUs; at most 32Gi"
        )


def _probe(probe: Json, name: str, *, gpu: bool) -> None:
    where = f"service.template.containers.{name}"
    period, timeout, failures = probe["periodSeconds"], probe["timeoutSeconds"], probe["failureThreshold"]
    longest = 240 if name == "startupProbe" else 3600
    if len([kind for kind in ("httpGet", "tcpSocket", "grpc") if kind in probe]) != 1:
        raise bad_field(where, "needs exactly one of httpGet, tcpSocket and grpc")
    if name == "livenessProbe" and "tcpSocket" in probe:
        raise bad_field(where, "a liveness probe cannot be a tcpSocket")
    if not 1 <= period <= longest:
        raise bad_field(f"{where}.period_seconds", f"must be from 1 to {longest}")
    if not 1 <= timeout <= period:
        raise bad_field(f"{where}.timeout_seconds", f"must be from 1 to period_seconds, which is {period}")
    if failures < 1:
        raise bad_field(f"{where}.failure_threshold", "must be at least 1")
    if not 0 <= probe.get("initialDelaySeconds", 0) <= longest:
        raise bad_field(f"{where}.initial_delay_seconds", f"must be from 0 to {longest}")
    window = _GPU_WINDOW_S if gpu else 240
    if name == "startupProbe" and period * failures > window:
        raise bad_field(where, f"period_seconds x failure_threshold must be at most {window}")


def _gpu(change: Change, template: Json) -> None:
    accelerator = value_at(template, "nodeSelector.accelerator")
    containers = [each for each in template["containers"] if "nvidia.com/gpu" in each["resources"]["limits"]]
    if not accelerator and not containers:
        return
    if not containers or not accelerator:
        raise invalid("A GPU needs both a node selector with an accelerator and the limit nvidia.com/gpu.")
    region = change.call.part("locations")
    if accelerator not in GPU_REGIONS:
        raise bad_field("service.template.node_selector.accelerator", f"'{accelerator}' is not supported")
    if region not in GPU_REGIONS[accelerator]:
        raise invalid(f"GPU type {accelerator} is not available in region {region}.")
    for container in containers:
        resources = container["resources"]
        limits = resources["limits"]
        if limits["nvidia.com/gpu"] != "1":
            raise bad_field("resources.limits.nvidia.com/gpu", "must be 1")
        if cpu(limits) < 4:
            raise bad_field("resources.limits.cpu", "must be at least 4 when GPU is requested")
        if memory_gib(limits) < 16:
            raise bad_field("resources.limits.memory", "must be at least 16Gi when GPU is requested")
        if resources.get("cpuIdle"):
            raise bad_field("resources.cpu_idle", "CPU must always be allocated when GPU is requested")
    _gpu_quota(change, template, region)


def _gpu_quota(change: Change, template: Json, region: str) -> None:
    if not template.get("gpuZonalRedundancyDisabled"):
        raise GoogleError(
            "FAILED_PRECONDITION",
            f"You do not have quota for using GPUs with zonal redundancy in region {region}. "
            "Turn it off, or ask for NvidiaL4GpuAllocPerProjectRegion: https://g.co/cloudrun/gpu-redundancy-help",
        )
    most = value_at(change.body, "scaling.maxInstanceCount") or value_at(template, "scaling.maxInstanceCount") or 100
    if most > GPU_QUOTA:
        raise GoogleError(
            "FAILED_PRECONDITION",
            f"Quota violated: Max instances must be set to {GPU_QUOTA} or fewer in order to set GPU to 1: "
            "NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion",
        )


def _names(change: Change, template: Json) -> None:
    revision = template.get("revision")
    if revision and not re.fullmatch(rf"{re.escape(change.id)}-[a-z0-9-]*[a-z0-9]", revision):
        raise bad_field("service.template.revision", f"must begin with '{change.id}-'")
    for where in (change.body, template):
        for kind in ("labels", "annotations"):
            for key in where.get(kind, {}):
                if re.match(r"(run|cloud|serving)\.(googleapis\.com|knative\.dev)", key):
                    raise bad_field(f"service.{kind}", f"'{key}' has a prefix that is reserved")


def _account(change: Change, template: Json) -> None:
    email = template["serviceAccount"]
    project = change.call.cloud.project
    if email.endswith(f"@{project.id}.iam.gserviceaccount.com"):
        name = f"iam.googleapis.com/projects/{project.id}/serviceAccounts/{email}"
        if change.call.store.get(name) is None:
            raise GoogleError(
                "PERMISSION_DENIED", f"Permission 'iam.serviceaccounts.actAs' denied on {email} (or it may not exist)."
            )


def _network(change: Change, template: Json) -> None:
    call = change.call
    for interface in value_at(template, "vpcAccess.networkInterfaces") or []:
        name = re.sub(r"^.*?(?=projects/)", "", interface.get("subnetwork", ""))
        if not name.startswith("projects/") and name:
            name = f"projects/{call.part('projects')}/regions/{call.part('locations')}/subnetworks/{name}"
        if name and call.store.get(f"compute.googleapis.com/{name}") is None:
            raise invalid(f"VPC subnetwork {name} does not exist.")


def _traffic(change: Change) -> None:
    targets = change.body["traffic"]
    if sum(target.get("percent", 0) for target in targets) != 100:
        raise bad_field("service.traffic", "the percentages must add up to 100")
    tags = [target["tag"] for target in targets if target.get("tag")]
    if len(set(tags)) != len(tags) or any(not re.fullmatch(r"[a-z]([a-z0-9-]{0,44}[a-z0-9])?", tag) for tag in tags):
        raise bad_field("service.traffic.tag", "each tag must be used once, in lowercase letters, digits and hyphens")
    for target in targets:
        by_name = target.get("type") == "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
        revision = target.get("revision", "")
        if by_name != bool(revision):
            raise bad_field("service.traffic.revision", "a revision is named exactly where the type is REVISION")
        if revision and change.call.store.get(f"{change.call.full(change.name)}/revisions/{revision}") is None:
            raise invalid(f"Revision {revision} in traffic does not exist in service {change.id}.")


def secrets_missing(call: Call, template: Json) -> str | None:
    """Why a revision with these secrets cannot start: found only after the service was accepted."""
    project, account = call.cloud.project, template["serviceAccount"]
    for container in template["containers"]:
        for env in container.get("env", []):
            reference = value_at(env, "valueSource.secretKeyRef")
            if not reference:
                continue
            secret = re.sub(r"^projects/[^/]+/secrets/", "", reference["secret"])
            full = f"secretmanager.googleapis.com/projects/{project.id}/secrets/{secret}"
            versions = [each.name.rpartition("/")[2] for each in call.store.children(f"{full}/versions")]
            version = reference.get("version", "latest")
            if not versions or (version != "latest" and version not in versions):
                return f"Secret {full.partition('/')[2]}/versions/{version} was not found"
            readers = policies.members(call, full, "roles/secretmanager.secretAccessor")
            if f"serviceAccount:{account}" not in readers:
                return (
                    f"Permission denied on secret: {full.partition('/')[2]} for Revision service account {account}. "
                    "The service account used must be granted the 'Secret Manager Secret Accessor' role."
                )
    return None
