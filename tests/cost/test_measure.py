"""What a deployment did cost, read from the local Google beside a meter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts import google
from scripts.app import App
from scripts.cost.__main__ import main
from scripts.cost.instance import Instance
from scripts.cost.measure import comparisons
from scripts.cost.measurement import Day
from tests.local_cloud.cloud_run.meter import Meter, Served
from tests.local_cloud.cloud_run.sample_meter import life, request
from tests.local_cloud.conftest import PLACE, served, template

_END = datetime(2026, 11, 23, 12, tzinfo=UTC)
_NOON = _END.timestamp()
_EXPORT = "kikitori-local.billing.gcp_billing_export_resource_v1_01AB23_45CD67_89EF01"
_PRICE = 0.0003
_ARGUMENTS = ["measure", "--state", "bucket", "--days", "2", "--until", "2026-11-23T12:00:00"]


def _request(instance: int, ago_s: float, path: str, status: int = 200) -> Served:
    one = request("kikitori", _NOON - ago_s, _NOON - ago_s + 1, status)
    return Served(one.service, one.revision, instance, one.arrived, one.sent, one.ended, one.method, path, one.status)


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service whose instances ran 1,000 s a day: one that was asked, and on the day after one that only woke."""
    lives = [
        Instance(number, asked=_NOON - ago - 7, started=_NOON - ago, ready=_NOON - ago + 12, ended=_NOON - ago + 1000)
        for number, ago in enumerate((90_000, 3000))
    ]
    requests = [
        _request(0, 89_900, "/v1/warmup", 202),
        _request(0, 89_890, "/v1/audio/transcriptions"),
        _request(0, 89_880, "/v1/audio/transcriptions", 500),
        _request(1, 2900, "/v1/warmup", 202),
        _request(1, 2899, "/v1/warmup/events"),
    ]
    meter = Meter([life("kikitori", one) for one in lives], requests, lambda: _NOON)
    outputs = {
        "service": f"{PLACE}/services/kikitori",
        "environment": {"KIKITORI_PRICE_USD_PER_S": str(_PRICE)},
        "cost_note": "prices of 2026",
    }
    monkeypatch.setattr(App, "begin", lambda _: None)
    monkeypatch.setattr(App, "outputs", lambda _: outputs)
    with served(tmp_path / "cloud", everything_enabled=True, with_registry=False, meter=meter) as cloud:
        cloud.lead_here(monkeypatch)
        yield


@pytest.mark.usefixtures("deployment")
def test_days_are_told_beside_what_was_expected_and_billed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    given = ["--traffic", "one-person", "--budget", "9", "--export", _EXPORT, "--plot", str(tmp_path / "days.svg")]
    assert main([*_ARGUMENTS, *given]) == 0
    said = capsys.readouterr().out
    billed = 1000 * (4 * 0.0000216 + 16 * 0.0000024 + 0.0001867)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in said.splitlines() if line[:1] == "|"]
    rows = {name: values for name, *values in cells}
    first, second, both = rows["2026-11-22 12:00"], rows["2026-11-23 12:00"], rows["**all**"]
    assert first[0] == second[0] == "1000 s"
    assert (first[2], first[3:]) == ("1%", ["1", "0", "3", "1", "0.30", "0.3000", f"{billed:.2f}"])
    assert second[3:] == ["1", "1", "2", "0", "0.30", "", f"{billed:.2f}"]
    assert both[0] == "2000 s"
    assert float(first[1].rstrip("%")) > 80, (
        "it idled but for its start and two seconds, as far as a look each minute tells"
    )
    assert "billed, USD" in said
    assert "A month of such days: 9.12 USD, 101% of the budget of 9.00." in said
    assert "Expected: " in said
    assert summary.read_text(encoding="utf-8") == said
    assert "</svg>" in (tmp_path / "days.svg").read_text(encoding="utf-8")


@pytest.mark.usefixtures("deployment")
def test_days_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_ARGUMENTS, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["days"]
    assert first["end"] == "2026-11-22T12:00:00+00:00"
    assert (first["instance_s"], first["starting_s"], first["answers"], first["unused"]) == (1000, 12, 1, 0)
    assert (second["requests"], second["unused"], second["billed"]) == (2, 1, None)


@pytest.mark.usefixtures("deployment")
def test_a_service_is_measured_without_the_state_of_terraform(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["measure", "--service", f"{PLACE}/services/kikitori", *_ARGUMENTS[3:]]
    assert main(arguments) == 1
    assert "was not found" in capsys.readouterr().err
    price = {"name": "KIKITORI_PRICE_USD_PER_S", "value": str(_PRICE)}
    google.post("run", f"v2/{PLACE}/services", {"template": template(container__env=[price])}, serviceId="kikitori")
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert re.search(r"\| \*\*all\*\* \| 2000 s .* \| 0\.60 \|", said)
    assert f"A second costs {_PRICE} US dollars" in said


@pytest.mark.usefixtures("deployment")
def test_without_a_price_what_was_billed_is_compared(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {"service": f"{PLACE}/services/kikitori", "environment": {}, "cost_note": "No price is known"}
    monkeypatch.setattr(App, "outputs", lambda _: outputs)
    asked = [*_ARGUMENTS, "--budget", "9"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "A month" not in said
    assert "Not compared with the budget of 9.00 USD: the price of a second is not known, and there is no bill" in said
    assert main([*asked, "--export", _EXPORT]) == 0
    month = 1000 * 0.0003115 * 730 / 24
    said = capsys.readouterr().out
    assert (
        f"A month of such days by what Google billed: {month:.2f} USD, {month / 9:.0%} of the budget of 9.00." in said
    )


def test_a_bill_in_another_currency_is_not_compared_with_the_budget() -> None:
    day = Day(_END, 1000, 900, 12, 1, 0, 2, 1, usd=None, billed=50.0)
    month, why = comparisons([day], "JPY", None, 9.0)
    assert month == f"A month of such days by what Google billed: {50 * 730 / 24:.2f} JPY."
    assert why.endswith("the price of a second is not known, and Google billed in JPY.")
    [why] = comparisons([day], "EUR and JPY", None, 9.0)
    assert why.endswith("Google billed in EUR and JPY.")
    [known] = comparisons([replace(day, usd=0.3)], "JPY", None, None)
    assert known == f"A month of such days: {0.3 * 730 / 24:.2f} USD."


@pytest.mark.usefixtures("deployment")
def test_days_that_are_older_than_the_log_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_ARGUMENTS, "--days", "31"]) == 0
    assert "count what is left" in capsys.readouterr().out


@pytest.mark.usefixtures("deployment")
def test_a_table_that_is_no_export_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for table in ("billing", "kikitori-local.billing.gcp_billing_export_v1_1", "x`; DROP TABLE y"):
        assert main([*_ARGUMENTS, "--export", table]) == 1
        assert "is no detailed billing export" in capsys.readouterr().err


def test_an_api_that_is_not_enabled_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(App, "begin", lambda _: None)
    outputs = {"service": f"{PLACE}/services/kikitori", "environment": {}, "cost_note": ""}
    monkeypatch.setattr(App, "outputs", lambda _: outputs)
    with served(tmp_path / "cloud", with_registry=False, meter=Meter()) as cloud:
        cloud.lead_here(monkeypatch)
        assert main([*_ARGUMENTS, "--export", _EXPORT]) == 1
    complaint = capsys.readouterr().err
    assert "403" in complaint
    assert "has not been used" in complaint or "is disabled" in complaint or "not enabled" in complaint


@pytest.mark.usefixtures("deployment")
def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_ARGUMENTS, "--plot", str(tmp_path / "nowhere" / "days.svg")]) == 1
    assert "nowhere/days.svg" in capsys.readouterr().err


@pytest.mark.parametrize(
    "given", [["--budget", "nan"], ["--budget", "0"], ["--until", "tomorrow"], ["--until", "0001-01-03"]]
)
def test_what_cannot_be_meant_is_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_status:
        main([*_ARGUMENTS, *given])
    assert exit_status.value.code == 2
    assert f"{given[1]} is no " in capsys.readouterr().err


def test_what_is_not_deployed_did_not_cost_anything(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(App, "begin", lambda _: None)
    monkeypatch.setattr(App, "outputs", lambda _: {})
    assert main(_ARGUMENTS) == 1
    assert "Nothing is deployed yet." in capsys.readouterr().err
