"""What Cloud Run refuses of one container: its image, ports and variables, CPU and memory, probes.

CPU and memory: https://cloud.google.com/run/docs/configuring/services/memory-limits and .../cpu (2026-11).
"""

from __future__ import annotations

import re

from tests.local_cloud.errors import bad_field, invalid
from tests.local_cloud.masks import value_at
from tests.local_cloud.store import Json

_MEMORY_GIB = {1: (0.125, 4), 2: (0.125, 8), 4: (2, 16), 6: (4, 24), 8: (4, 32)}
"""Whole CPUs, each with the least and the most memory."""
_LEAST_CPU = 0.08
_GPU_WINDOW_S = 1800
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
USUAL_STARTUP = {"initialDelaySeconds": 0, "timeoutSeconds": 240, "periodSeconds": 240, "failureThreshold": 1}
"""Google's own, by TCP: the one probe whose timeout may be as long as its period."""
_RESERVED_ENV = {"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "K_TRACE"}
_PART = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
_HOST = r"docker\.io|([a-z]+\.)?gcr\.io|([a-z0-9-]+-)?docker\.pkg\.dev"
# What comes first is a host if it has a dot or a colon, as Docker reads it.
_IMAGE = re.compile(
    rf"(({_HOST})/|(?![^/]*[.:][^/]*/)){_PART}(/{_PART})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(@sha256:[0-9a-f]{{64}})?"
)
_UNITS = {
    "": 1 / 2**30,
    "k": 1000 / 2**30,
    "M": 1000**2 / 2**30,
    "G": 1000**3 / 2**30,
    "Ki": 2**-20,
    "Mi": 2**-10,
    "Gi": 1,
}


def check(container: Json) -> None:
    """Refuse a container.

    Raises:
        GoogleError: 400.
    """
    limits = container["resources"]["limits"]
    _image(container.get("image", ""))
    _ports_and_variables(container)
    _resources(limits)
    for name in PROBES:
        if name in container:
            _probe(container[name], name, gpu="nvidia.com/gpu" in limits)


def check_with_gpu(container: Json) -> None:
    """Refuse a container that has a GPU: https://cloud.google.com/run/docs/configuring/services/gpu.

    Raises:
        GoogleError: 400.
    """
    limits = container["resources"]["limits"]
    if limits["nvidia.com/gpu"] != "1":
        raise bad_field("resources.limits.nvidia.com/gpu", "must be 1")
    if cpu(limits) < 4:
        raise bad_field("resources.limits.cpu", "must be at least 4 when GPU is requested")
    if memory_gib(limits) < 16:
        raise bad_field("resources.limits.memory", "must be at least 16Gi when GPU is requested")
    if container["resources"].get("cpuIdle"):
        raise bad_field("resources.cpu_idle", "CPU must always be allocated when GPU is requested")


def _image(image: str) -> None:
    if not _IMAGE.fullmatch(image):
        raise bad_field(
            "service.template.containers.image",
            "Expected an image path like [host/]repo-path[:tag and/or @digest], where host is one of [region.]gcr.io, "
            f"[region-]docker.pkg.dev or docker.io but obtained {image}",
        )


def _ports_and_variables(container: Json) -> None:
    if len(container.get("ports", [])) > 1:
        raise bad_field("service.template.containers.ports", "should contain 0 or 1 port")
    for port in container.get("ports", []):
        if not 1 <= port.get("containerPort", 0) <= 65535 or port.get("name", "http1") not in ("http1", "h2c"):
            raise bad_field("service.template.containers.ports", "needs a port of 1 to 65535, named http1 or h2c")
    names = [env.get("name", "") for env in container.get("env", [])]
    if reserved := _RESERVED_ENV & set(names):
        raise invalid(
            f"spec.template.spec.containers.env: The following reserved env names were provided: {sorted(reserved)}"
        )
    if len(set(names)) != len(names) or any(not name or "=" in name for name in names):
        raise bad_field("service.template.containers.env", "every variable needs a name of its own, without '='")
    for reference in (value_at(env, "valueSource.secretKeyRef") for env in container.get("env", [])):
        if reference is not None and not reference.get("secret"):
            raise bad_field("containers.env.value_source.secret_key_ref", "the secret must be named")


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


def _resources(limits: Json) -> None:
    if unknown := set(limits) - {"cpu", "memory", "nvidia.com/gpu"}:
        raise bad_field("resources.limits", f"only cpu, memory and nvidia.com/gpu are supported, not {sorted(unknown)}")
    cpus, memory = cpu(limits), memory_gib(limits)
    if not _LEAST_CPU <= cpus < 1 and cpus not in _MEMORY_GIB:
        raise bad_field(
            "resources.limits.cpu", f"Invalid value {limits['cpu']}: must be one of 1, 2, 4, 6, 8, or from 0.08 to 1"
        )
    least, most = _MEMORY_GIB.get(int(cpus)) or (0.125, 0.5 if cpus < 0.5 else 1)
    if not least <= memory <= most:
        raise bad_field(
            "resources.limits.memory",
            f"Invalid value specified for container memory. For {cpus} CPU, memory must be between "
            f"{int(least * 1024)}Mi and {int(most * 1024)}Mi inclusive.",
        )


def _probe(probe: Json, name: str, *, gpu: bool) -> None:
    where = f"service.template.containers.{name}"
    period, timeout, failures = probe["periodSeconds"], probe["timeoutSeconds"], probe["failureThreshold"]
    longest = 240 if name == "startupProbe" else 3600
    if len([kind for kind in ("httpGet", "tcpSocket", "grpc") if kind in probe]) != 1:
        raise bad_field(where, "needs exactly one of httpGet, tcpSocket and grpc")
    if not (value_at(probe, "httpGet.path") or "/").startswith("/"):
        raise bad_field(f"{where}.http_get.path", "must begin with /")
    if name != "startupProbe" and "tcpSocket" in probe:
        raise bad_field(where, f"a {name} cannot be a tcpSocket")
    if not 1 <= period <= longest:
        raise bad_field(f"{where}.period_seconds", f"must be from 1 to {longest}")
    usual = "tcpSocket" in probe and probe.items() >= USUAL_STARTUP.items()
    if timeout < 1 or (timeout >= period and not usual):
        raise bad_field(f"{where}.timeout_seconds", "must be at least 1 and less than period_seconds.")
    if failures < 1:
        raise bad_field(f"{where}.failure_threshold", "must be at least 1")
    if not 0 <= probe.get("initialDelaySeconds", 0) <= longest:
        raise bad_field(f"{where}.initial_delay_seconds", f"must be from 0 to {longest}")
    window = _GPU_WINDOW_S if gpu else 240
    if name == "startupProbe" and period * failures > window:
        raise bad_field(where, f"period_seconds x failure_threshold must be at most {window}")
