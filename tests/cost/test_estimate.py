"""The command that says what recordings would cost."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts.cost.__main__ import main
from scripts.cost.traffic import PRESETS

_DOCS = Path(__file__).parents[2] / "docs"


def test_a_described_traffic_is_estimated_beside_all_alternatives(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "one-person", "--days", "7"]) == 0
    said = capsys.readouterr().out
    for name in ("Kikitori", "Always on", "Gradio", "Streamlit", "CPU only", "API by the minute"):
        assert f"| {name}" in said
    assert "us-central1" in said
    assert "No GPU measured it" in said
    assert "Not in it" not in said


def test_a_log_is_estimated_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "recordings.csv"
    log.write_text("start,seconds\n1000,10\n90000,10\n")
    assert main(["estimate", "--log", str(log), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)["months"][0]
    assert ours["starts"] == pytest.approx(730 / 24), "two in two days"


def test_the_days_of_a_log_are_told_and_may_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "recordings.csv"
    log.write_text("start,seconds\n1000,10\n90000,10\n")
    asked = ["estimate", "--log", str(log)]
    assert main(asked) == 0
    assert "of 2 days." in capsys.readouterr().out
    assert main([*asked, "--days", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["months"][0]["starts"] == pytest.approx(2 * 730 / 24 / 30)
    assert main([*asked, "--days", "1"]) == 1
    assert "give --days 2, more, or none" in capsys.readouterr().err


def test_warm_ups_that_nobody_used_cost_what_they_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    warm_up = {"path": "/v1/warmup", "status": 202, "seconds": 0.01, "time": "2026-11-24T09:00:00+09:00"}
    log.write_text(json.dumps(warm_up))
    assert main(["estimate", "--log", str(log), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)["months"][0]
    assert ours["starts"] == ours["unused_starts"] == pytest.approx(730 / 24)
    assert ours["wait_median_s"] is None


def test_requests_without_a_place_are_told_of_the_deployment_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "recordings.csv"
    log.write_text("start,seconds\n" + "1000,12\n" * 400)
    assert main(["estimate", "--log", str(log), "--days", "365", "--json"]) == 0
    ours, *others = json.loads(capsys.readouterr().out)["months"]
    assert main(["estimate", "--log", str(log), "--days", "365"]) == 0
    said = capsys.readouterr().out
    assert any(other["refused"] for other in others)
    assert f"{ours['refused']['429']:.1f} requests a month found no place in time" in said
    assert len(re.findall("requests a month", said)) == len(ours["refused"])


def test_recordings_for_which_nobody_is_free_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset = (PRESETS / "one-person.toml").read_text()
    crowded = preset.replace("recordings_per_day = 6", "recordings_per_day = 600")
    (tmp_path / "crowded.toml").write_text(crowded)
    assert main(["estimate", str(tmp_path / "crowded.toml"), "--days", "1"]) == 0
    assert re.search(r"Not in it: \d\d% of the recordings that are described", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["nobody"], "one of event, one-person"), (["one-person", "--region", "asia-northeast1"], "Cloud Run has no")],
)
def test_what_cannot_be_estimated_says_why(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", *arguments]) == 1
    assert complaint in capsys.readouterr().err


def test_a_log_of_one_recording_as_a_spreadsheet_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "recordings.csv"
    log.write_text("\ufeffstart,seconds\r\n2026-11-02T10:00:00Z,20\r\n", encoding="utf-8")
    assert main(["estimate", "--log", str(log), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)["months"][0]
    assert ours["starts"] == pytest.approx(730 / 24), "one a day"
    assert ours["wait_median_s"] == ours["wait_p95_s"] > 0


def test_traffic_too_thin_for_the_days_is_no_free_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    preset = (PRESETS / "one-person.toml").read_text()
    (tmp_path / "thin.toml").write_text(preset.replace("recordings_per_day = 6", "recordings_per_day = 0.001"))
    assert main(["estimate", str(tmp_path / "thin.toml")]) == 1
    assert "Give more days" in capsys.readouterr().err


def test_what_is_estimated_by_default_is_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "one-person"]) == 0
    said, page = capsys.readouterr().out, (_DOCS / "cost.md").read_text()
    [row] = [line for line in said.splitlines() if line.startswith("| Always on")]
    always = round(float(row.split("|")[2]))
    [low, high] = re.search(r"\| Kikitori \| [\d.]+ \(([\d.]+) to ([\d.]+)\)", said).groups()  # type: ignore[union-attr]
    assert f"| **Kikitori** | {float(low):.0f} to {float(high):.0f} |" in page
    assert f"| Always on | {always} |" in page


@pytest.mark.parametrize(
    "arguments",
    [[], ["one-person", "--log", "x"], ["one-person", "--days", "0"], ["one-person", "--engine", "cpu-qwen2-audio"]],
)
def test_a_wrong_command_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_status:
        main(["estimate", *arguments])
    assert exit_status.value.code == 2
