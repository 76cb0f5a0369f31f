"""The command that says what recordings would cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.cost.__main__ import main


def test_a_described_traffic_is_estimated_beside_all_alternatives(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "one-person", "--days", "7"]) == 0
    said = capsys.readouterr().out
    for name in ("Kikitori", "Always on", "Gradio", "Streamlit", "CPU only", "API by the minute"):
        assert f"| {name}" in said
    assert "us-central1" in said
    assert "No GPU measured it" in said


def test_a_log_is_estimated_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "recordings.csv"
    log.write_text("start,seconds\n1000,10\n90000,10\n")
    assert main(["estimate", "--log", str(log), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)["months"][0]
    assert ours["starts"] == pytest.approx(730 / 24), "two in two days"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["nobody"], "one of event, one-person"), (["one-person", "--region", "asia-northeast1"], "Cloud Run has no")],
)
def test_what_cannot_be_estimated_says_why(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", *arguments]) == 1
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["one-person", "--log", "x"], ["one-person", "--days", "0"]])
def test_a_wrong_command_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_status:
        main(["estimate", *arguments])
    assert exit_status.value.code == 2
