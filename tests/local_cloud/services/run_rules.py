"""What Cloud Run refuses: https://cloud.google.com/run/docs/configuring/services/gpu and its neighbours (2026-11)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.local_cloud import labels, policies
from tests.local_cloud.call import Call
from tests.local_cloud.conditions import Resource
from tests.local_cloud.errors import GoogleError, bad_field, invalid
from tests.local_cloud.masks import value_at
from tests.local_cloud.resources import Change
from tests.local_cloud.store import Json

from . import run_containers
from .run_containers import cpu, memory_gib

GPU_REGIONS = {
    "nvidia-l4": "asia-southeast1 asia-south1 europe-west1 europe-west4 us-central1 us-east4".split(),
}
GPU_QUOTA = 3
"""GPUs without zonal redundancy that a new project may use in a region; with it there are none."""

_SECRETS = "secretmanager.googleapis.com"
_SECRET_READERS = ("roles/secretmanager.secretAccessor", "roles/secretmanager.admin", "roles/owner")
_LONGEST_S = 3600
_MOST_CONCURRENT = 1000
_LEAST_GIB_OF_GEN2 = 0.5


def check(change: Change) -> None:
    """Refuse a service.

    Raises:
        GoogleError: 400.
    """
    template = change.body["template"]
    containers = template.get("containers", [])
    if not containers:
        raise bad_field("service.template.containers", "At least one container is required")
    for container in containers:
        run_containers.check(container)
    _together(containers)
    _volumes(template)
    _scaling(change.body.get("scaling", {}), "service.scaling")
    _scaling(template.get("scaling", {}), "service.template.scaling")
    _limits(template)
    _generation(template)
    _gpu(change, template)
    _names(change, template)
    _account(change, template)
    _network(change, template)
    _traffic(change)


def _together(containers: list[Json]) -> None:
    """What several containers of a revision need: https://cloud.google.com/run/docs/deploying#sidecars."""
    with_ports = sum(bool(container.get("ports")) for container in containers)
    if with_ports > 1 or (len(containers) > 1 and not with_ports):
        raise bad_field("service.template.containers", "exactly one of several containers must have a port")
    names = [container["name"] for container in containers if container.get("name")]
    if len(set(names)) != len(names):
        raise bad_field("service.template.containers.name", "every container needs a name of its own")
    if unknown := {name for container in containers for name in container.get("dependsOn", [])} - set(names):
        raise bad_field("service.template.containers.depends_on", f"there is no container {sorted(unknown)}")


def _seconds(value: str) -> float:
    return float(value[:-1])


def usual_concurrency(template: Json) -> int:
    """How many requests an instance gets at once where nobody said it."""
    return 80 if _cpus(template) >= 1 else 1


def _cpus(template: Json) -> float:
    return sum(cpu(container["resources"]["limits"]) for container in template.get("containers", []))


def _limits(template: Json) -> None:
    if not 0 < _seconds(template["timeout"]) <= _LONGEST_S:
        raise bad_field("service.template.timeout", f"must be more than 0 and at most {_LONGEST_S} seconds")
    if not 1 <= template["maxInstanceRequestConcurrency"] <= _MOST_CONCURRENT:
        raise bad_field("service.template.max_instance_request_concurrency", f"must be from 1 to {_MOST_CONCURRENT}")


def _generation(template: Json) -> None:
    """What the second generation's environment needs, and what less than one CPU excludes.

    https://cloud.google.com/run/docs/configuring/services/memory-limits and .../cpu
    """
    resources = [container["resources"] for container in template["containers"]]
    second = template.get("executionEnvironment") == "EXECUTION_ENVIRONMENT_GEN2"
    if second and sum(memory_gib(each["limits"]) for each in resources) < _LEAST_GIB_OF_GEN2:
        raise bad_field("resources.limits.memory", "the second generation environment needs at least 512Mi")
    if _cpus(template) >= 1:
        return
    for excluded, words in (
        (template["maxInstanceRequestConcurrency"] > 1, "concurrency > 1"),
        (second, "the second generation environment"),
        (not all(each.get("cpuIdle") for each in resources), "CPU that is always allocated"),
    ):
        if excluded:
            raise bad_field("resources.limits.cpu", f"Total cpu < 1 is not supported with {words}.")


def _volumes(template: Json) -> None:
    names = [volume.get("name") for volume in template.get("volumes", [])]
    if None in names or len(set(names)) != len(names):
        raise bad_field("service.template.volumes", "every volume needs a name of its own")
    if any(len(set(volume) - {"name"}) != 1 for volume in template.get("volumes", [])):
        raise bad_field("service.template.volumes", "every volume needs exactly one source")
    if any("secret" in volume and not volume["secret"].get("secret") for volume in template.get("volumes", [])):
        raise bad_field("service.template.volumes.secret", "the secret must be named")
    for container in template["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount.get("name") not in names:
                raise bad_field("containers.volume_mounts", f"There is no volume '{mount.get('name')}'")
            if not mount.get("mountPath", "").startswith("/"):
                raise bad_field("containers.volume_mounts.mount_path", "must be an absolute path")


def _scaling(scaling: Json, where: str) -> None:
    least, most = scaling.get("minInstanceCount", 0), scaling.get("maxInstanceCount", 0)
    if least < 0 or most < 0:
        raise bad_field(where, "must not be negative")
    if most and least > most:
        raise bad_field(where, f"minInstanceCount {least} must not be greater than maxInstanceCount {most}")


def _gpu(change: Change, template: Json) -> None:
    accelerator = value_at(template, "nodeSelector.accelerator")
    containers = [each for each in template["containers"] if "nvidia.com/gpu" in each["resources"]["limits"]]
    if not accelerator and not containers:
        return
    if not containers or not accelerator:
        raise invalid("A GPU needs both a node selector with an accelerator and the limit nvidia.com/gpu.")
    if len(containers) > 1:
        raise invalid("Only one container of a service may have a GPU.")
    if template.get("executionEnvironment") == "EXECUTION_ENVIRONMENT_GEN1":
        raise bad_field("service.template.execution_environment", "a GPU needs the second generation environment")
    region = change.call.part("locations")
    if accelerator not in GPU_REGIONS:
        raise bad_field("service.template.node_selector.accelerator", f"'{accelerator}' is not supported")
    if region not in GPU_REGIONS[accelerator]:
        raise invalid(f"GPU type {accelerator} is not available in region {region}.")
    run_containers.check_with_gpu(containers[0])
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
        labels.check(where.get("labels", {}), "service.labels")
        for kind in ("labels", "annotations"):
            for key in where.get(kind, {}):
                if re.match(r"(run|cloud|serving|autoscaling)\.(googleapis\.com|knative\.dev)", key):
                    raise bad_field(f"service.{kind}", f"'{key}' has a prefix that is reserved")


def _account(change: Change, template: Json) -> None:
    email, project = template["serviceAccount"], change.call.cloud.project
    own = (f"{project.number}-compute@developer.gserviceaccount.com", f"{project.id}@appspot.gserviceaccount.com")
    name = f"iam.googleapis.com/projects/{project.id}/serviceAccounts/{email}"
    if email not in own and change.call.store.get(name) is None:
        raise GoogleError(
            "PERMISSION_DENIED", f"Permission 'iam.serviceaccounts.actAs' denied on {email} (or it may not exist)."
        )


def _network(change: Change, template: Json) -> None:
    call = change.call
    places = {"network": "global/networks", "subnetwork": f"regions/{call.part('locations')}/subnetworks"}
    for interface in value_at(template, "vpcAccess.networkInterfaces") or []:
        if not interface.get("network") and not interface.get("subnetwork"):
            raise bad_field("vpc_access.network_interfaces", "Either network or subnetwork must be given")
        for kind, place in places.items():
            name = re.sub(r"^.*?(?=projects/)", "", interface.get(kind, ""))
            if name and "/" not in name:
                name = f"projects/{call.part('projects')}/{place}/{name}"
            if name and call.store.get(f"compute.googleapis.com/{call.cloud.by_id(name)}") is None:
                raise invalid(f"VPC {kind} {name} does not exist.")


def _traffic(change: Change) -> None:
    targets = change.body["traffic"]
    shares = [target.get("percent", 0) for target in targets]
    if min(shares, default=0) < 0 or sum(shares) != 100:
        raise bad_field("service.traffic", "the percentages must be at least 0, and add up to 100")
    tags = [target["tag"] for target in targets if target.get("tag")]
    if len(set(tags)) != len(tags) or any(not re.fullmatch(r"[a-z]([a-z0-9-]{0,44}[a-z0-9])?", tag) for tag in tags):
        raise bad_field("service.traffic.tag", "each tag must be used once, in lowercase letters, digits and hyphens")
    for target in targets:
        by_name = target.get("type") == "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
        revision = target.get("revision", "")
        if by_name != bool(revision):
            raise bad_field("service.traffic.revision", "a revision is named exactly where the type is REVISION")
        if not revision or revision == change.body["template"].get("revision"):
            continue  # it is not named, or there as soon as this request is done
        if change.call.store.get(f"{change.call.full(change.name)}/revisions/{revision}") is None:
            raise invalid(f"Revision {revision} in traffic does not exist in service {change.id}.")


def image_missing(call: Call, template: Json) -> str | None:
    """The image of this project's that was never pushed; None also where no registry keeps any."""
    images, ours = call.cloud.images, re.compile(rf"[a-z0-9-]+-docker\.pkg\.dev/{re.escape(call.cloud.project.id)}/.+")
    names = [container["image"] for container in template["containers"]]
    return next((name for name in names if images and ours.fullmatch(name) and not images.has(name)), None)


def secrets_missing(call: Call, template: Json) -> str | None:
    """Why a revision with these secrets cannot start: found only after the service was accepted."""
    project, account = call.cloud.project, template["serviceAccount"]
    for named, version in _secrets(template):
        secret = re.sub(r"^projects/[^/]+/secrets/", "", named)
        full = f"{_SECRETS}/projects/{project.id}/secrets/{secret}"
        versions = call.store.children(f"{full}/versions")
        found = [each for each in versions if each.name.endswith(f"/{version}")] if version != "latest" else versions
        if not found:
            return f"Secret {full.partition('/')[2]}/versions/{version} was not found"
        if found[-1].body["state"] != "ENABLED":
            return f"Secret Version [{found[-1].body['name']}] is in {found[-1].body['state']} state"
        resource = Resource(full, _SECRETS, f"{_SECRETS}/Secret", call.cloud.by_number(full.partition("/")[2]))
        readers = policies.holders(call.store, resource, *_SECRET_READERS)
        if not readers & {f"serviceAccount:{account}", *policies.EVERYBODY}:
            return (
                f"Permission denied on secret: {full.partition('/')[2]} for Revision service account {account}. "
                "The service account used must be granted the 'Secret Manager Secret Accessor' role."
            )
    return None


def _secrets(template: Json) -> Iterator[tuple[str, str]]:
    """The secrets that variables and volumes have, each with its version."""
    for container in template["containers"]:
        for env in container.get("env", []):
            if reference := value_at(env, "valueSource.secretKeyRef"):
                yield reference["secret"], reference.get("version", "latest")
    for volume in template.get("volumes", []):
        if source := volume.get("secret"):
            for item in source.get("items") or [{}]:
                yield source["secret"], item.get("version", "latest")
