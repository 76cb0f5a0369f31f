"""People of a traffic description visit the real service, and one whose every step a test allows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.cost.traffic import DAY_S, PRESETS, Recording, Visit, read_traffic
from scripts.loadtest.__main__ import busiest, main, window
from tests.e2e.houses import ScriptedHouse, scripted_house
from tests.processes import PATIENCE_S, ServiceProcess, until

ROOT = Path(__file__).parent.parent
TRAFFIC = """
about = "Some people, shortly one after the other."
users = 2
recordings_per_day = 5000
recordings_per_visit = 1.5
pause_s = 0.2
hours = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
weekdays = [1, 0, 0, 0, 0, 0, 0]

[length]
median_s = 1
p95_s = 1.5
longest_s = 2
"""


@pytest.fixture
def traffic(tmp_path: Path) -> list[str]:
    """Options for a few recordings."""
    file = tmp_path / "traffic.toml"
    file.write_text(TRAFFIC, encoding="utf-8")
    return ["--traffic", str(file), "--minutes", "0.02"]


KEY = "0123456789abcdef0123456789abcdef"
PARROT = ["--model", "parrot"]


def address(house: ScriptedHouse) -> str:
    return f"http://127.0.0.1:{house.port}"


def start(url: str, options: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "scripts.loadtest", url, *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, text=True, **pipes)  # type: ignore[call-overload, no-any-return]


def measured(url: str, options: Sequence[str], **environment: str) -> tuple[int, dict[str, list[str]], str]:
    """The exit status, the figures of the table by their names, and what else it said."""
    with start(url, options, **environment) as running:
        out, said = running.communicate(timeout=PATIENCE_S)
    print(out, said)
    rows = {line[:36].strip(): line[36:].split() for line in out.splitlines()}
    return running.returncode, rows, out + said


def test_all_are_answered_by_the_real_service(service: ServiceProcess, traffic: list[str]) -> None:
    status, rows, said = measured(service.url, traffic)
    assert status == 0
    sent = int(said.split(" are sent")[0].split()[-1])
    assert sent > 1
    assert rows["stop to whole text"][:2] == [str(sent), "0"]
    assert rows["POST /v1/warmup"][:2] == [str(sent), "0"]
    assert float(rows["stop to whole text"][-1]) >= float(rows["stop to first text"][-1]) > 0


def test_whoever_finds_it_asleep_or_busy_waits_and_comes_back(traffic: list[str]) -> None:
    with scripted_house(auth="api-key", api_keys=(KEY,)) as house:
        house.platform.refuse(429, path="/v1/audio", times=2, retry_after=1)
        house.start()
        running = start(address(house), [*traffic, *PARROT], KIKITORI_API_KEY=KEY)
        until(lambda: house.platform.asked.count("POST /v1/audio/transcriptions") > 2)
        house.engine.allow_everything()
        out, _ = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, out
    rows = {line[:36].strip(): line[36:].split() for line in out.splitlines()}
    assert rows["POST /v1/audio/transcriptions"][1] == "2"
    assert rows["stop to whole text"][1] == "0"
    assert int(out.split("was not ready: ")[1]) >= 1
    assert house.platform.asked[0] == "POST /v1/warmup"
    assert "GET /v1/warmup/events" in house.platform.asked


def test_recordings_without_an_answer_are_told(traffic: list[str]) -> None:
    with scripted_house() as house:
        house.platform.refuse(500, path="/v1/audio", times=100)
        house.start()
        house.engine.allow_everything()
        status, rows, said = measured(address(house), [*traffic, *PARROT])
    assert status == 1
    assert int(rows["stop to whole text"][1]) == int(rows["stop to whole text"][0]) > 0
    assert "times, person stop to whole text: " in said


def test_who_has_no_key_is_told_at_once(traffic: list[str]) -> None:
    with scripted_house(auth="api-key", api_keys=(KEY,)) as house:
        house.start()
        status, _, said = measured(address(house), [*traffic, *PARROT])
        assert status == 2
        assert "The service takes nothing from here. 401" in said


def test_what_was_measured_before_a_stop_is_told(traffic: list[str]) -> None:
    with scripted_house() as house:
        house.start()
        running = start(address(house), [*traffic, *PARROT])
        until(lambda: "POST /v1/audio/transcriptions" in house.platform.asked)
        os.kill(running.pid, signal.SIGINT)
        out, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130
    assert "POST /v1/warmup" in out
    assert "until then" in said


def test_nothing_is_sent_in_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    for preset in PRESETS.glob("*.toml"):
        options = ["http://127.0.0.1:9", "--traffic", preset.stem, "--minutes", "600", "--hour", "130", "--dry-run"]
        assert main([*options, "--times", "20"]) == 0
    assert "Saturday, 10:00: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["no-address"], "begins with https://"),
        (["https://service", "--traffic", "nothing"], "nor one of event, one-person, small-team"),
        (["https://service", "--traffic", "event", "--hour", "3"], "nobody comes in that time"),
        (["https://service", "--minutes", "0"], "above 0"),
        (["https://service", "--times", "nan"], "above 0"),
    ],
)
def test_what_cannot_be_done(capsys: pytest.CaptureFixture[str], options: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_part_of_the_week_begins_at_zero() -> None:
    traffic = read_traffic("event")
    begin_s = 5 * DAY_S + 11 * 3600
    assert busiest(traffic) == begin_s
    lengths = (Recording(0, 10, 0), Recording(20, 10, 0))
    before, within, looking = (
        Visit(at, at + 60, 0, tuple(replace(one, start_s=at + one.start_s) for one in recordings))
        for at, recordings in ((begin_s - 1, lengths), (begin_s + 5, lengths), (begin_s + 6, ()))
    )
    assert window([before, within, looking], begin_s, 60) == [
        Visit(5, 65, 0, (Recording(5, 10, 0), Recording(25, 10, 0)))
    ]
