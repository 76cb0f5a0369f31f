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

    Of what the region's price is not known, GPU, vCPU or GiB, that of the reference region stands for it, and the note
    says so.

    Raises:
        PriceError: the region has no such GPU, or one of its prices is known in neither region.
    """
    table = json.loads(REGIONS.read_text(encoding="utf-8"))
    with_gpu = [name for name, one in table["regions"].items() if machine.gpu in one["gpus"]]
    if region not in with_gpu:
        raise PriceError(
            f"Cloud Run has no {machine.gpu} in {region}, as far as is known; it has in {', '.join(with_gpu)}"
        )
    reference = others()["reference"]
    usd, parts_of = 0.0, dict[str, list[str]]()
    for part, (field, amount) in _parts(machine).items():
        prices = {place: _known(table["regions"][place], machine, field) for place in (region, reference["region"])}
        place, price = next(((place, one) for place, one in prices.items() if one is not None), (None, 0.0))
        if place is None:
            raise PriceError(
                f"No price of {part} is known for {region}: make cost-estimate REFRESH=1 reads it from Google's catalog"
            )
        usd += price * amount
        where = f"in {region}" if place == region else f"as in {place}, {reference['why']}"
        read = table.get("catalog", {}).get(place, {}).get(field)
        source = f"Google's catalog, {read}" if read else f"{table['source']['prices']}, {table['date']}"
        parts_of.setdefault(f"{where}, {source}", []).append(part)
    known = "; ".join(f"{' and '.join(parts)} {source}" for source, parts in parts_of.items())
    return Price(usd, f"{usd:.7f} USD a second of {machine} ({known})")


def _parts(machine: Machine) -> dict[str, tuple[str, int]]:
    """What is billed of an instance: the name of its price in Terraform's table, and how many."""
    return {
        "GPU": ("usd_per_s_zonal_redundancy" if machine.zonal_redundancy else "usd_per_s", 1),
        "vCPU": ("cpu_usd_per_s", machine.cpu),
        "GiB": ("gib_usd_per_s", machine.memory_gib),
    }


def _known(region: dict[str, Any], machine: Machine, field: str) -> float | None:
    price: float | None = (region | region["gpus"].get(machine.gpu, {}))[field]
    return price


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
