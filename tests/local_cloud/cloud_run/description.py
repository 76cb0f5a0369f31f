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
    service: str
    limits: Limits
    environment: tuple[Json, ...]
    startup: Probe
    liveness: Probe | None
    cpu: float
    memory_gib: float
    gpu: str | None
    zonal_redundancy: bool


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
    revisions: dict[str, list[Revision]] = {}
    described = {}
    for entity in found:
        match entity.name.split("/")[-2:]:
            case ["services", _]:
                described[entity.name] = entity.body
            case ["revisions", name]:
                place = entity.name.removesuffix(f"/revisions/{name}")
                revisions.setdefault(place, []).append(_revision(name, place, entity.body))
    return [_service(name, body, revisions[name]) for name, body in described.items() if name in revisions]


def _service(name: str, body: Json, revisions: list[Revision]) -> Service:
    targets = tuple(Target(one.get("revision"), one.get("percent", 0), one.get("tag")) for one in body["traffic"])
    public = body.get("invokerIamDisabled", False)
    return Service(name.removeprefix(f"{_RUN}/"), public, targets, tuple(revisions))


def _revision(name: str, place: str, body: Json) -> Revision:
    container = next(one for one in body["containers"] if "ports" in one)
    limits = container["resources"]["limits"]
    gpu = body.get("nodeSelector", {}).get("accelerator")
    return Revision(
        name,
        place.rpartition("/")[2],
        Limits(
            concurrency=body["maxInstanceRequestConcurrency"],
            min_instances=body["scaling"].get("minInstanceCount", 0),
            max_instances=body["scaling"]["maxInstanceCount"],
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
    """
    project = place.split("/")[1]
    name = reference["secret"].rpartition("/")[2]
    base = f"{_SECRETS}/projects/{project}/secrets/{name}/versions"
    version = reference.get("version", "latest")
    found = f"{base}/{version}" if version != "latest" else store.children(base)[-1].name
    return (store.content(found) or b"").decode()
