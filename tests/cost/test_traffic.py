"""Traffic: drawn from a description, or read from a log."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from scripts.cost.traffic import DAY_S, PRESETS, Recording, TrafficError, read_log, read_traffic, recordings_of

_WEEKS = 40


@pytest.mark.parametrize("name", [file.stem for file in PRESETS.glob("*.toml")])
def test_drawn_traffic_is_what_its_description_says(name: str) -> None:
    traffic = read_traffic(name)
    visits = traffic.visits(7 * _WEEKS)
    recordings = recordings_of(visits)

    asked = traffic.recordings_per_day * sum(traffic.weekdays) * _WEEKS
    assert len(recordings) == pytest.approx(asked, rel=0.1)
    looks = traffic.looks_per_day * sum(traffic.weekdays) * _WEEKS
    assert sum(not visit.recordings for visit in visits) == pytest.approx(looks, rel=0.15)
    shorter = sum(one.length_s <= traffic.length.p95_s for one in recordings) / len(recordings)
    assert shorter == pytest.approx(0.95, abs=0.02)
    thrown_away = sum(not one.sent for one in recordings) / len(recordings)
    assert thrown_away == pytest.approx(traffic.thrown_away, abs=0.03)
    hours = {int(visit.start_s % DAY_S // 3600) for visit in visits}
    assert hours == {hour for hour, weight in enumerate(traffic.hours) if weight}
    assert visits == traffic.visits(7 * _WEEKS), "the same seed is the same traffic"
    assert visits != traffic.visits(7 * _WEEKS, seed=2)


def test_nobody_records_twice_at_once() -> None:
    for name in ("one-person", "small-team"):
        until: dict[int, float] = {}
        for one in recordings_of(read_traffic(name).visits(28)):
            assert until.get(one.user, 0) <= one.start_s
            until[one.user] = one.end_s


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("hours = [1]", "hours: List should have at least 24 items"),
        ("users = 0", "users: Input should be greater than or equal to 1"),
        ("recordings = 3", "recordings: Extra inputs are not permitted"),
        ("users = ", "Invalid value"),
        ("recordings_per_day = 1e9", "less than or equal to 10000"),
        ("weekdays = [9999, 1, 1, 1, 1, 1, 1]", "times the greatest of weekdays must be 10000 at most"),
        ("left_open_s = inf", "finite"),
        ("hours = [nan]", "finite"),
    ],
)
def test_a_wrong_description_is_refused_with_what_is_wrong(tmp_path: Path, change: str, complaint: str) -> None:
    name = change.split()[0]
    lines = (PRESETS / "one-person.toml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(f"{name} =")]
    file = tmp_path / "mine.toml"
    file.write_text("\n".join([change, *kept]))

    with pytest.raises(TrafficError, match=complaint):
        read_traffic(str(file))


def test_an_unknown_description_names_the_known_ones() -> None:
    with pytest.raises(TrafficError, match="event, one-person, small-team"):
        read_traffic("nobody")


def test_a_table_of_times_and_lengths_is_read(tmp_path: Path) -> None:
    file = tmp_path / "recordings.csv"
    file.write_text("start,seconds\n2026-11-23T09:30:00+00:00,12.5\n2026-11-23T09:00:00+00:00,3\n")
    assert read_log(file) == ([Recording(9 * 3600, 3, 0), Recording(9.5 * 3600, 12.5, 1)], 1)


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        (("2026-11-24T08:30:00+09:00,9", "2026-11-24T18:00:00+09:00,9"), 1),
        (("2026-11-24T08:30:00+09:00,9", "2026-11-25T00:00:00+09:00,9"), 2),
        (("2026-11-24T23:59:51.1,8.9",), 1),
        (("2026-11-24T23:59:51,9.1",), 2),
        (("2026-11-24T01:00:00,9", "2026-11-24T23:00:00,9"), 1),
        (("2026-11-23T20:00:00-05:00,9", "2026-11-24T23:00:00+00:00,9"), 2),
    ],
)
def test_days_are_those_of_the_zone_of_the_first_time(
    rows: tuple[str, ...], days: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "recordings.csv"
    file.write_text("\n".join(["start,seconds", *rows]))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert read_log(file)[1] == days
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_was_asked_and_answered_is_read_from_a_log_of_the_service(tmp_path: Path) -> None:
    def line(path: str, status: int) -> dict[str, object]:
        return {
            "severity": "INFO",
            "path": path,
            "status": status,
            "seconds": 2.0,
            "time": "2026-11-23T09:00:02.000000+00:00",
        }

    own = [
        line("/v1/audio/transcriptions", 200),
        line("/v1/warmup", 202),
        line("/health/live", 200),
        line("/v1/chat/completions", 429),
        line("/v1/chat/completions", 200),
    ]
    cloud = [{"timestamp": "2026-11-23T09:00:02Z", "jsonPayload": entry} for entry in own]
    for entries in (own, cloud):
        file = tmp_path / "log.jsonl"
        file.write_text("\n".join(["a library's own words", *map(json.dumps, entries)]))
        recordings, days = read_log(file)
        assert {(one.start_s, one.length_s) for one in recordings} == {(9 * 3600, 2)}
        assert [one.sent for one in recordings] == [False, False, True, True], "what only woke or kept an instance"
        assert days == 1


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n1,2", "{broken", *(f"start,seconds\n{row}" for row in ("1,-2", "noon,2", "nan,2", "1e300,2", "1,1e12"))],
)
def test_a_log_without_recordings_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "log"
    file.write_text(text)
    with pytest.raises(TrafficError, match="start"):
        read_log(file)
