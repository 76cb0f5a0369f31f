"""Prices: what is known, from where, and how Google's catalog is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from scripts.cost import catalog, prices
from scripts.cost.__main__ import main
from scripts.cost.prices import REGIONS, Machine, PriceError, free_tier_usd, instance_price, request_price
from tests.processes import serving


def test_an_instance_costs_the_sum_of_its_parts() -> None:
    assert instance_price("us-central1", Machine()).usd == pytest.approx(0.0001867 + 4 * 0.000018 + 16 * 0.000002)
    assert instance_price("us-central1", Machine(zonal_redundancy=True)).usd == pytest.approx(0.0003949)
    assert request_price(Machine(2, 4, None)).usd == pytest.approx(2 * 0.000024 + 4 * 0.0000025)


def test_an_instance_costs_what_terraform_reckons() -> None:
    tests = (REGIONS.parent / "tests/defaults.tftest.hcl").read_text(encoding="utf-8")
    [worst] = re.findall(r"worst_case_usd_per_month == ([\d.]+)", tests)
    assert float(worst) == pytest.approx(2 * 730 * 3600 * instance_price("us-central1", Machine()).usd, abs=0.01)
    assert (
        f"output.instance_usd_per_s - {instance_price('us-central1', Machine(zonal_redundancy=True)).usd:.7f}" in tests
    )


def test_a_region_without_a_price_says_whose_is_used() -> None:
    price = instance_price("europe-west1", Machine())
    assert price.usd == instance_price("us-central1", Machine()).usd
    assert "(GPU and vCPU and GiB as in us-central1, " in price.note


def test_only_what_is_not_known_of_a_region_is_taken_from_another() -> None:
    price = instance_price("asia-southeast1", Machine())
    assert price.usd == pytest.approx(0.0001867 + 4 * 0.0000216 + 16 * 0.0000024)
    assert "(GPU as in us-central1, " in price.note


def test_a_region_without_the_gpu_is_refused_with_those_that_have_it() -> None:
    with pytest.raises(PriceError, match="asia-southeast1"):
        instance_price("asia-northeast1", Machine())


def test_the_free_tier_ends() -> None:
    assert free_tier_usd(1000, Machine()) == pytest.approx(1000 * (4 * 0.000018 + 16 * 0.000002))
    assert free_tier_usd(1e9, Machine()) == pytest.approx(4.32 + 0.9)


def test_every_other_price_has_a_source_and_a_date() -> None:
    for name, table in prices.others().items():
        if name != "reference":
            assert table["source"].startswith("https://")
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", table["date"])


def _sku(description: str, region: str, nanos: int, unit: str = "s") -> dict[str, Any]:
    rates = [
        {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": 0}},
        {"startUsageAmount": 240000, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": nanos}},
    ]
    expression = {"usageUnit": unit, "tieredRates": rates}
    return {"description": description, "serviceRegions": [region], "pricingInfo": [{"pricingExpression": expression}]}


_SKUS = [
    _sku("Services CPU (Instance-based billing) in europe-west1", "europe-west1", 18000),
    _sku("Jobs CPU in europe-west1", "europe-west1", 1),
    _sku("Services Memory (Instance-based billing) in europe-west1", "europe-west1", 2000, "GiBy.s"),
    _sku("NVIDIA L4 GPU, no zonal redundancy in europe-west1", "europe-west1", 186700),
    _sku("NVIDIA L4 GPU, with zonal redundancy in europe-west1", "europe-west1", 1047240000, "h"),
]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "regions.json"
    file.write_text(prices.REGIONS.read_text(encoding="utf-8"), encoding="utf-8")
    for module in (prices, catalog):
        monkeypatch.setattr(module, "REGIONS", file)
    return file


@pytest.fixture
def skus(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the catalog has, one on a page."""
    served = list(_SKUS)

    async def page(request: Request) -> JSONResponse:
        assert request.query_params["currencyCode"] == "USD"
        number = int(request.query_params.get("pageToken", "0"))
        more = str(number + 1) if number + 1 < len(served) else ""
        return JSONResponse({"skus": served[number : number + 1], "nextPageToken": more})

    with serving(Starlette(routes=[Route("/v1/services/152E-C115-5142/skus", page)])) as address:
        monkeypatch.setenv("CLOUD_BILLING_API_URL", address)
        monkeypatch.setattr("scripts.google._session", _session)
        yield served


def _note(region: str) -> str:
    return instance_price(region, Machine()).note


def _session() -> Any:
    import requests

    return requests.Session()


def test_the_catalog_fills_the_table_and_what_it_lacks_stays(table: Path, skus: list[dict[str, Any]]) -> None:
    table_before = json.loads(table.read_text(encoding="utf-8"))
    catalog.refresh()
    table_after = json.loads(table.read_text(encoding="utf-8"))
    after = table_after["regions"]
    assert after["europe-west1"] == {
        "gpus": {
            "nvidia-l4": {
                "by_invitation": False,
                "usd_per_s": 0.0001867,
                "usd_per_s_zonal_redundancy": pytest.approx(0.0002909),
            }
        },
        "cpu_usd_per_s": 0.000018,
        "gib_usd_per_s": 0.000002,
    }
    assert {name: one for name, one in after.items() if name != "europe-west1"} == {
        name: one for name, one in table_before["regions"].items() if name != "europe-west1"
    }
    assert (table_after["date"], table_after["source"]) == (table_before["date"], table_before["source"])
    assert set(table_after["catalog"]) == {"europe-west1"}
    assert re.search(r"\(GPU and vCPU and GiB in europe-west1, Google's catalog, [\d-]+\)$", _note("europe-west1"))
    assert _note("us-central1").endswith(f"https://cloud.google.com/run/pricing, {table_before['date']})")


def test_a_catalog_without_any_of_the_prices_is_refused(table: Path, skus: list[dict[str, Any]]) -> None:
    skus[:] = [_sku("Services CPU, said in other words", "europe-west1", 1)]
    before = table.read_text(encoding="utf-8")
    with pytest.raises(PriceError, match=r"None of 1 SKUs .* its words may have changed"):
        catalog.refresh()
    assert table.read_text(encoding="utf-8") == before


def test_prices_that_cannot_be_told_apart_are_refused(
    table: Path, skus: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    skus.append(_sku("Another L4 GPU without zonal redundancy", "europe-west1", 5))
    before = table.read_text(encoding="utf-8")
    assert main(["estimate", "one-person", "--days", "1", "--refresh"]) == 1
    assert "usd_per_s in europe-west1 may be any of" in capsys.readouterr().err
    assert table.read_text(encoding="utf-8") == before


def test_an_unknown_unit_is_refused(table: Path, skus: list[dict[str, Any]]) -> None:
    skus[0] = _sku("Services CPU (Instance-based billing) in europe-west1", "europe-west1", 1, "mo")
    with pytest.raises(PriceError, match="counted in mo"):
        catalog.refresh()


def test_the_table_is_written_as_it_stands() -> None:
    text = prices.REGIONS.read_text(encoding="utf-8")
    assert catalog.written(json.loads(text)) == text
