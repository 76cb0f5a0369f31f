"""What things cost, in US dollars, with source, region and date.

Instances of the deployment are priced by Terraform's own table (terraform/modules/gpu-service/regions.json), as its
outputs are; what else one could pay for is in prices.toml.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REGIONS = Path(__file__).parents[2] / "terraform/modules/gpu-service/regions.json"
_OTHERS = Path(__file__).parent / "prices.toml"


class PriceError(Exception):
    """A price is not known; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What an instance has; as terraform/modules/gpu-service has it by default."""

    cpu: int = 4
    memory_gib: int = 16
    gpu: str | None = "nvidia-l4"
    zonal_redundancy: bool = False

    def __str__(self) -> str:
        redundancy = ", zonal redundancy" if self.zonal_redundancy else ""
        return f"{self.cpu} vCPU, {self.memory_gib} GiB{f', {self.gpu}{redundancy}' if self.gpu else ''}"


@dataclass(frozen=True, slots=True)
class Price:
    """A price and where it is from."""

    usd: float
    note: str


def others() -> dict[str, Any]:
    """What prices.toml has."""
    return tomllib.loads(_OTHERS.read_text(encoding="utf-8"))


def instance_price(region: str, machine: Machine) -> Price:
    """A second of an instance that is billed for its whole life.

    Where the region's price is not known it is that of the reference region, and the note says so.

    Raises:
        PriceError: the region has no such GPU, or neither price is known.
    """
    table = json.loads(REGIONS.read_text(encoding="utf-8"))
    with_gpu = [name for name, one in table["regions"].items() if machine.gpu in one["gpus"]]
    if region not in with_gpu:
        raise PriceError(
            f"Cloud Run has no {machine.gpu} in {region}, as far as is known; it has in {', '.join(with_gpu)}"
        )
    reference = others()["reference"]
    for place in (region, reference["region"]):
        usd = _instance_usd(table["regions"][place], machine)
        if usd is not None:
            known = f"{place}, {table['source']['prices']}, {table['date']}"
            instead = "" if place == region else f"; that of {region} is not known, this is {reference['why']}"
            return Price(usd, f"{usd:.7f} USD a second of {machine} ({known}{instead})")
    raise PriceError(f"No price is known for {machine} in {region}: make cost-prices reads it from Google's catalog")


def _instance_usd(region: dict[str, Any], machine: Machine) -> float | None:
    gpu = region["gpus"].get(machine.gpu, {})
    parts = (
        (gpu.get("usd_per_s_zonal_redundancy" if machine.zonal_redundancy else "usd_per_s"), 1),
        (region["cpu_usd_per_s"], machine.cpu),
        (region["gib_usd_per_s"], machine.memory_gib),
    )
    return None if any(price is None for price, _ in parts) else sum(price * amount for price, amount in parts)


def request_price(machine: Machine) -> Price:
    """A second of an instance without a GPU that is billed for its requests."""
    table = others()["request_based"]
    usd = table["cpu_usd_per_s"] * machine.cpu + table["gib_usd_per_s"] * machine.memory_gib
    return Price(
        usd, f"{usd:.7f} USD a second of {machine} with a request (tier 1, {table['source']}, {table['date']})"
    )


def api_price() -> Price:
    """A second of sound, bought from somebody else."""
    api = others()["api"]
    note = f"{api['usd_per_minute']} USD a minute of sound, {api['name']} ({api['source']}, {api['date']})"
    return Price(api["usd_per_minute"] / 60, note)


def free_tier_usd(billed_s: float, machine: Machine) -> float:
    """What the free tier takes off a month of instance-based billing, where nothing else of the account uses it."""
    free = others()["free_tier"]
    cpu_s = min(billed_s * machine.cpu, free["cpu_s"])
    gib_s = min(billed_s * machine.memory_gib, free["gib_s"])
    return float(cpu_s * free["cpu_usd_per_s"] + gib_s * free["gib_usd_per_s"])
