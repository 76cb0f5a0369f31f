"""The rows that Cloud Billing exports of a meter, an hour and an SKU each.

https://docs.cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage. Prices are those of the
project's own table; where that knows none for a region they are those of the region that `scripts.cost` reckons with.
The ids and descriptions of SKUs are not Google's. Credits such as the free tier are left out. Google exports an hour
some hours after its end; here it is there at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.cost.prices import REGIONS, others
from tests.local_cloud.call import Project
from tests.local_cloud.cloud_run.meter import Life, Meter
from tests.local_cloud.store import Json

_CLOUD_RUN = {"id": "152E-C115-5142", "description": "Cloud Run"}
_HOUR_S = 3600

COLUMNS = {
    "billing_account_id": "VARCHAR",
    "invoice": "STRUCT(month VARCHAR)",
    "cost_type": "VARCHAR",
    "service": "STRUCT(id VARCHAR, description VARCHAR)",
    "sku": "STRUCT(id VARCHAR, description VARCHAR)",
    "usage_start_time": "TIMESTAMPTZ",
    "usage_end_time": "TIMESTAMPTZ",
    "project": "STRUCT(id VARCHAR, number VARCHAR, name VARCHAR)",
    "labels": "STRUCT(key VARCHAR, value VARCHAR)[]",
    "system_labels": "STRUCT(key VARCHAR, value VARCHAR)[]",
    "location": "STRUCT(location VARCHAR, country VARCHAR, region VARCHAR, zone VARCHAR)",
    "resource": "STRUCT(name VARCHAR, global_name VARCHAR)",
    "cost": "DOUBLE",
    "currency": "VARCHAR",
    "currency_conversion_rate": "DOUBLE",
    "usage": "STRUCT(amount DOUBLE, unit VARCHAR, amount_in_pricing_units DOUBLE, pricing_unit VARCHAR)",
    "credits": "STRUCT(name VARCHAR, amount DOUBLE, full_name VARCHAR, id VARCHAR, type VARCHAR)[]",
    "export_time": "TIMESTAMPTZ",
}
"""Of the export, by the names that Google gives them, with DuckDB's types."""


@dataclass(frozen=True)
class _Part:
    """Of what an instance has: how much is used in a second, and what a unit of that costs."""

    sku: str
    description: str
    amount_per_s: float
    unit: str
    usd: float


def rows(meter: Meter, project: Project) -> Iterator[Json]:
    """All rows until now, in the order of `COLUMNS`."""
    now = meter.now()
    for life in list(meter.lives):
        for begin, seconds in _hours(life, now):
            for part in _parts(life):
                yield _row(life, project, part, begin, seconds)


def _hours(life: Life, now: float) -> Iterator[tuple[int, float]]:
    """The hours in which an instance was billed, each with its seconds."""
    if life.instance.started is None:
        return
    end = life.instance.started + life.instance.billable_s(now)
    hour = int(life.instance.started) // _HOUR_S * _HOUR_S
    while hour < end:
        yield hour, min(end, hour + _HOUR_S) - max(life.instance.started, hour)
        hour += _HOUR_S


def _parts(life: Life) -> list[_Part]:
    """CPU, memory and GPU of an instance-based service."""
    region = life.service.split("/")[3]
    revision = life.revision
    gpu = "usd_per_s_zonal_redundancy" if revision.zonal_redundancy else "usd_per_s"
    parts = [
        _Part("LOCAL-CPU", "CPU", revision.cpu, "vCPU", _price(region, "cpu_usd_per_s")),
        _Part("LOCAL-MEMORY", "Memory", revision.memory_gib, "GiBy", _price(region, "gib_usd_per_s")),
    ]
    if revision.gpu:
        redundancy = "Zonal Redundancy" if revision.zonal_redundancy else "No Zonal Redundancy"
        description = f"{revision.gpu.removeprefix('nvidia-').upper()} GPU ({redundancy})"
        parts.append(_Part("LOCAL-GPU", description, 1, "GPU", _price(region, "gpus", revision.gpu, gpu)))
    return parts


def _price(region: str, *names: str) -> float:
    table = json.loads(REGIONS.read_text(encoding="utf-8"))["regions"]
    for place in (region, others()["reference"]["region"]):
        found = table.get(place)
        for name in names:
            found = found.get(name) if found else None
        if found is not None:
            return float(found)
    raise LookupError(f"no price of {names[-1]} is known in {region}")


def _row(life: Life, project: Project, part: _Part, begin: int, seconds: float) -> Json:
    region, amount = life.service.split("/")[3], seconds * part.amount_per_s
    start, end = datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(begin + _HOUR_S, UTC)
    name = f"//run.googleapis.com/{life.service}"
    usage_unit = "byte-seconds" if part.unit == "GiBy" else "seconds"
    return {
        "billing_account_id": project.billing_account,
        "invoice": {"month": f"{start:%Y%m}"},
        "cost_type": "regular",
        "service": _CLOUD_RUN,
        "sku": {"id": part.sku, "description": f"Services {part.description} (Instance-based billing) in {region}"},
        "usage_start_time": start,
        "usage_end_time": end,
        "project": {"id": project.id, "number": project.number, "name": project.id},
        "labels": [],
        "system_labels": [],
        "location": {"location": region, "country": None, "region": region, "zone": None},
        "resource": {"name": name.rpartition("/")[2], "global_name": name},
        "cost": amount * part.usd,
        "currency": project.currency,
        "currency_conversion_rate": 1.0,
        "usage": {
            "amount": amount * 2**30 if part.unit == "GiBy" else amount,
            "unit": usage_unit,
            "amount_in_pricing_units": amount,
            "pricing_unit": f"{part.unit}.s" if part.unit == "GiBy" else "second",
        },
        "credits": [],
        "export_time": end,
    }
