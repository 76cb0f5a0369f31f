"""Reads the prices of instances from Google's Cloud Billing Catalog into Terraform's table.

https://cloud.google.com/billing/docs/reference/rest/v1/services.skus. What an SKU is for is told only by its words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from scripts.cost.prices import REGIONS, PriceError
from scripts.google import get

_CLOUD_RUN = "services/152E-C115-5142"
_WORDS = {
    "cpu_usd_per_s": re.compile(r"^Services CPU \(Instance-based billing\)"),
    "gib_usd_per_s": re.compile(r"^Services Memory \(Instance-based billing\)"),
    "usd_per_s": re.compile(r"\bL4\b.*\b(no|without)\b.*zonal", re.IGNORECASE),
    "usd_per_s_zonal_redundancy": re.compile(r"\bL4\b(?!.*\b(no|without)\b.*zonal)", re.IGNORECASE),
}


def refresh() -> None:
    """Write the prices of all regions with a GPU into terraform/modules/gpu-service/regions.json.

    What the catalog does not have stays as it was known; `catalog` there says which prices were read, and when.

    Raises:
        requests.RequestException, google.auth.exceptions.GoogleAuthError: the catalog cannot be read.
        PriceError: no SKU is one of these prices, two of a region might be the same, or one is counted in an unknown
            unit.
    """
    table = json.loads(REGIONS.read_text(encoding="utf-8"))
    skus = list(_skus())
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    found = False
    for name, region in table["regions"].items():
        for field in _WORDS:
            price = _price(field, name, skus)
            if price is not None:
                entry = region["gpus"]["nvidia-l4"] if field.startswith("usd") else region
                entry[field] = price
                table.setdefault("catalog", {}).setdefault(name, {})[field] = today
                found = True
    if not found:
        raise PriceError(
            f"None of {len(skus)} SKUs in Google's catalog is a price of {REGIONS.name}: its words may have changed. "
            "Nothing was written; look it up, and set it there by hand"
        )
    REGIONS.write_text(written(table), encoding="utf-8")


def _skus() -> Iterable[Mapping[str, Any]]:
    token = None
    while token != "":
        page = get("cloudbilling", f"v1/{_CLOUD_RUN}/skus", currencyCode="USD", pageSize=5000, pageToken=token)
        yield from page.get("skus", [])
        token = page.get("nextPageToken", "")


def _price(field: str, region: str, skus: Iterable[Mapping[str, Any]]) -> float | None:
    found = [
        sku for sku in skus if region in sku.get("serviceRegions", []) and _WORDS[field].search(sku["description"])
    ]
    prices = {_usd(sku) for sku in found}
    if len(prices) > 1:
        said = ", ".join(repr(sku["description"]) for sku in found)
        raise PriceError(f"{field} in {region} may be any of {said}: set it in {REGIONS.name} by hand")
    return prices.pop() if prices else None


def _usd(sku: Mapping[str, Any]) -> float:
    """A unit beyond all free ones, for a second."""
    expression = sku["pricingInfo"][-1]["pricingExpression"]
    per = {"s": 1, "GiBy.s": 1, "h": 3600, "GiBy.h": 3600}.get(expression["usageUnit"])
    if per is None:
        raise PriceError(f"{sku['description']} is counted in {expression['usageUnit']}, which is not known here")
    price = expression["tieredRates"][-1]["unitPrice"]
    dollars = int(price.get("units", 0)) + float(price.get("nanos", 0)) / 1e9
    return round(dollars / per, 12)


def written(table: Mapping[str, Any]) -> str:
    """JSON as the file has it: what is short stands on one line, and prices without an exponent."""
    text = json.dumps(table, indent=2, ensure_ascii=False)
    text = re.sub(r"\{[^{}]{1,150}\}", lambda short: " ".join(short.group().split()), text)
    return re.sub(r"\b\d[\d.]*e-\d+", lambda price: f"{Decimal(price.group()):f}", text) + "\n"
