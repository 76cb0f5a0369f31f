"""What the local Google knows of a Cloud Run service, as far as it decides how it runs.

The local Google is the only source: what is there was planned by Terraform and accepted by Google's rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripts.cost.scaling import Limits
from tests.local_cloud.services.run_containers import cpu, memory_gib
from tests.local_cloud.store import Json, Store

_RUN = "run.googleapis.com"
_SECRETS = "secretmanager.googleapis.com"
_RETENTION_S = 900.0
_GPU_RETENTION_S = 600.0
_MOST_INSTANCES = 100
_IMAGE_S = 2.0
_GPU_S = 5.0
"""Until a streamed image runs, and an L4 with its driver is there: Google's published figures."""


@dataclass(frozen=True)
class Probe:
    """How an instance is asked whether it works; without a path by opening a connection. Times in seconds."""

    path: str | None
    initial_delay_s: float
    period_s: float
    timeout_s: float
    failures: int


@dataclass(frozen=True)
class Revision:
    """A revision; `name` is its last part, `environment` is as the API has it."""

    name: str
    uid: str
    service: str
    limits: Limits
    environment: tuple[Json, ...]
    startup: Probe
    liveness: Probe | None
    cpu: float
    memory_gib: float
    gpu: str | None
    zonal_redundancy: bool

    @property
    def provisioning_s(self) -> float:
        """Until its container starts."""
        return _IMAGE_S + _GPU_S if self.gpu else _IMAGE_S


@dataclass(frozen=True)
class Target:
    """Where a part of the traffic goes, or what has an address of its own; no revision is the newest."""

    revision: str | None
    percent: int
    tag: str | None


@dataclass(frozen=True)
class Service:
    """A service by its full name; revisions in the order of their creation."""

    name: str
    public: bool
    """Whether nobody is asked who he is."""
    targets: tuple[Target, ...]
    revisions: tuple[Revision, ...]

    @property
    def id(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]


def services(store: Store) -> list[Service]:
    """All services."""
    found = [entity for entity in store.everything() if entity.name.startswith(f"{_RUN}/") and not entity.deleted]
    described = {entity.name: entity.body for entity in found if entity.name.split("/")[-2] == "services"}
    revisions: dict[str, list[Revision]] = {}
    for entity in found:
        place, _, name = entity.name.rpartition("/revisions/")
        if place and "conditions" not in entity.body:  # those that failed are not run
            scaling = described[place].get("scaling", {})
            revisions.setdefault(place, []).append(_revision(name, place, entity.body, scaling))
    return [_service(name, body, revisions[name]) for name, body in described.items() if name in revisions]


def _service(name: str, body: Json, revisions: list[Revision]) -> Service:
    run = {None, *(one.name for one in revisions)}
    targets = tuple(
        Target(one.get("revision"), one.get("percent", 0), one.get("tag"))
        for one in body["traffic"]
        if one.get("revision") in run
    )
    public = body.get("invokerIamDisabled", False)
    return Service(name.removeprefix(f"{_RUN}/"), public, targets, tuple(revisions))


def _revision(name: str, place: str, body: Json, scaling: Json) -> Revision:
    """A revision; of its own scaling and that of its service the larger minimum and the smaller cap count."""
    container = next(one for one in body["containers"] if "ports" in one)
    limits = container["resources"]["limits"]
    gpu = body.get("nodeSelector", {}).get("accelerator")
    return Revision(
        name,
        body["uid"],
        place.rpartition("/")[2],
        Limits(
            concurrency=body["maxInstanceRequestConcurrency"],
            min_instances=max(each.get("minInstanceCount", 0) for each in (body["scaling"], scaling)),
            max_instances=min(each.get("maxInstanceCount") or _MOST_INSTANCES for each in (body["scaling"], scaling)),
            timeout_s=float(body["timeout"][:-1]),
            retention_s=_GPU_RETENTION_S if gpu else _RETENTION_S,
        ),
        tuple(container.get("env", [])),
        _probe(container["startupProbe"]),
        _probe(container["livenessProbe"]) if "livenessProbe" in container else None,
        cpu(limits),
        memory_gib(limits),
        gpu,
        not body.get("gpuZonalRedundancyDisabled", False),
    )


def _probe(body: Json) -> Probe:
    path = body["httpGet"]["path"] if "httpGet" in body else None
    return Probe(
        path, body["initialDelaySeconds"], body["periodSeconds"], body["timeoutSeconds"], body["failureThreshold"]
    )


def secret(store: Store, place: str, reference: Json) -> str:
    """The value of a secret that a variable refers to.

    Args:
        store: the state.
        place: a name in the same project, such as that of the service.
        reference: the `secretKeyRef`.

    Raises:
        LookupError: it is not there.
    """
    project = place.split("/")[1]
    name = reference["secret"].rpartition("/")[2]
    base = f"{_SECRETS}/projects/{project}/secrets/{name}/versions"
    version = reference.get("version", "latest")
    found = [f"{base}/{version}"] if version != "latest" else [one.name for one in store.children(base)]
    content = store.content(found[-1]) if found else None
    if content is None:
        raise LookupError(f"Secret {name}/versions/{version} was not found")
    return content.decode()
