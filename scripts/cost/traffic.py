"""Who records when, and for how long: described in a few numbers, read from a log, or drawn at random.

A description is a TOML file; those in presets/ are known by name. Random draws use one seed and the inverse of each
distribution, so that the same description is the same traffic everywhere.
"""

from __future__ import annotations

import csv
import json
import math
import random
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PRESETS = Path(__file__).parent / "presets"
DAY_S = 86_400.0
_TIMES_END_S = 1e11
"""The year 5138."""
ASKS = ("/v1/audio/transcriptions", "/v1/audio/translations", "/v1/chat/completions")
"""Paths where something is asked of the model."""
_MOST_A_DAY = 10_000
"""Recordings; more would take hours to simulate."""
_P95 = NormalDist().inv_cdf(0.95)


class TrafficError(Exception):
    """The traffic cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Somebody presses record, speaks, and presses stop."""

    start_s: float
    """Seconds since the beginning, which is a Monday's midnight in drawn traffic."""
    length_s: float
    user: int
    sent: bool = True
    """False where it is thrown away, after it had woken the instance."""

    @property
    def end_s(self) -> float:
        """When stop is pressed."""
        return self.start_s + self.length_s


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody has the page open; who comes back before it is closed has it open all the while."""

    start_s: float
    end_s: float
    user: int
    recordings: tuple[Recording, ...] = ()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Lengths(_Strict):
    """How long recordings are, seconds: log-normal, without what is shorter or longer than it may be."""

    median_s: float = Field(gt=0)
    p95_s: float = Field(gt=0)
    """19 of 20 are shorter."""
    shortest_s: float = Field(default=1, gt=0)
    longest_s: float = Field(default=1800, gt=0, le=DAY_S)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.shortest_s <= self.median_s <= self.p95_s <= self.longest_s:
            raise ValueError("shortest_s <= median_s <= p95_s <= longest_s must hold")
        return self

    def draw(self, dice: random.Random) -> float:
        """One length."""
        sigma = math.log(self.p95_s / self.median_s) / _P95
        length = self.median_s * math.exp(sigma * _normal(dice))
        return min(max(length, self.shortest_s), self.longest_s)


class Traffic(_Strict):
    """What a TOML file describes."""

    about: str
    users: int = Field(ge=1, le=100_000)
    """People. One has one page open and records one thing at a time."""
    recordings_per_day: float = Field(gt=0, le=_MOST_A_DAY)
    """Of all users together, on a day of weight 1."""
    recordings_per_visit: float = Field(default=3, ge=1, le=1000)
    """On average; a visit has one at least."""
    pause_s: float = Field(default=30, ge=0, le=DAY_S)
    """Between the end of a recording and the next of the same visit, on average: read, think, press again."""
    left_open_s: float = Field(default=1800, ge=0, le=7 * DAY_S)
    """How long the page stays open after the last recording of a visit, on average."""
    thrown_away: float = Field(default=0, ge=0, lt=1)
    """Share of recordings that are thrown away."""
    looks_per_day: float = Field(default=0, ge=0, le=100_000)
    """How often somebody else opens the page and records nothing."""
    length: Lengths
    hours: Annotated[list[float], Field(min_length=24, max_length=24)]
    """Weight of each hour of the day, in which visits begin."""
    weekdays: Annotated[list[float], Field(min_length=7, max_length=7)] = [1.0] * 7
    """Weight of each day, Monday first: how many times `recordings_per_day` it has."""

    @model_validator(mode="after")
    def _has_weight(self) -> Self:
        for name, weights in (("hours", self.hours), ("weekdays", self.weekdays)):
            if min(weights) < 0 or sum(weights) <= 0:
                raise ValueError(f"{name} needs weights of 0 and more, not all of them 0")
        if self.recordings_per_day * max(self.weekdays) > _MOST_A_DAY:
            raise ValueError(f"recordings_per_day times the greatest of weekdays must be {_MOST_A_DAY} at most")
        return self

    def visits(self, days: int, seed: int = 1) -> list[Visit]:
        """What happens in that many days, by its beginning: see `draw`."""
        return self.draw(days, seed)[0]

    def draw(self, days: int, seed: int = 1) -> tuple[list[Visit], int]:
        """What happens in that many days, by its beginning; and how many recordings were lost.

        Visits begin at random, independently, more often where an hour weighs more (a Poisson process); the gaps within
        a visit and the time after it are exponential. Who is recording does not begin another visit: another user
        does, and where all are, it is lost.
        """
        dice = random.Random(seed)  # noqa: S311 - traffic, not a secret
        visits: list[Visit] = []
        lost = 0
        free_at = [0.0] * self.users
        for start in self._beginnings(self.recordings_per_day / self.recordings_per_visit, days, dice):
            free = [user for user, until in enumerate(free_at) if until <= start]
            user = free[int(dice.random() * len(free))] if free else -1
            count = 1 + _geometric(dice, self.recordings_per_visit - 1)
            recordings = tuple(self._recordings(start, count, user, dice))
            left_open_s = _exponential(dice, self.left_open_s)
            if free:
                free_at[user] = recordings[-1].end_s
                visits.append(Visit(start, recordings[-1].end_s + left_open_s, user, recordings))
            else:
                lost += count
        visits += [
            Visit(start, start + _exponential(dice, self.left_open_s), self.users + number)
            for number, start in enumerate(self._beginnings(self.looks_per_day, days, dice))
        ]
        return sorted(visits, key=lambda visit: visit.start_s), lost

    def at_rate(self, recordings_per_day: float) -> Traffic:
        """The same habits of more or fewer people."""
        times = recordings_per_day / self.recordings_per_day
        changed = {
            "users": max(1, round(self.users * times)),
            "recordings_per_day": recordings_per_day,
            "looks_per_day": self.looks_per_day * times,
        }
        return self.model_copy(update=changed)

    def _beginnings(self, per_day: float, days: int, dice: random.Random) -> Iterator[float]:
        for day in range(days):
            for hour, weight in enumerate(self.hours):
                rate = per_day * self.weekdays[day % 7] * weight / sum(self.hours) / 3600
                at, end = 0.0, 3600.0
                while rate > 0 and (at := at + _exponential(dice, 1 / rate)) < end:
                    yield day * DAY_S + hour * 3600 + at

    def _recordings(self, start: float, count: int, user: int, dice: random.Random) -> Iterator[Recording]:
        for _ in range(count):
            one = Recording(start, self.length.draw(dice), user, dice.random() >= self.thrown_away)
            yield one
            start = one.end_s + _exponential(dice, self.pause_s)


def recordings_of(visits: Iterable[Visit]) -> list[Recording]:
    """All recordings by their beginning."""
    return sorted((one for visit in visits for one in visit.recordings), key=lambda one: one.start_s)


def read_traffic(name: str) -> Traffic:
    """The description of that name in presets/, or in that file.

    Raises:
        TrafficError: there is none, or it is wrong.
    """
    file = PRESETS / f"{name}.toml"
    if not file.exists():
        file = Path(name)
    try:
        return Traffic.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        known = ", ".join(sorted(preset.stem for preset in PRESETS.glob("*.toml")))
        raise TrafficError(f"{name} is neither a file that can be read ({error.strerror}) nor one of {known}") from None
    except (ValidationError, ValueError) as error:
        raise TrafficError(f"{file}: {_complaints(error)}") from None


def read_log(file: Path) -> tuple[list[Recording], int]:
    """Recordings of a CSV file with the columns start and seconds, or of a service's JSON log, by their beginning.

    start is a time (ISO 8601, UTC where it names no zone) or seconds. The log is one JSON object a line, as the service
    writes it with LOG_FORMAT=json or as `gcloud logging read --format=json | jq -c '.[]'` gives it. It has the length
    of no recording, so the time that a request took stands for that. Requests that had no answer of the model woke or
    kept an instance too: each is a recording that was thrown away.

    Also tells how many days that is: from the midnight before the first to the midnight after the last, by the clock of
    the first one's zone.

    Raises:
        TrafficError: it has no recording, or cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()  # spreadsheets write a mark before it
        rows = sorted(_json_rows(lines) if any(line.startswith("{") for line in lines) else _csv_rows(lines))
        for row in rows:
            _check(row.start_s, row.length_s)
    except OSError as error:
        raise TrafficError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise TrafficError(
            f"{file}: {type(error).__name__}: {error}. Give a CSV file with the columns start and seconds, or a log of "
            "JSON lines"
        ) from None
    if not rows:
        raise TrafficError(f"{file} has no recording: neither rows of start,seconds nor requests of the service")
    first = rows[0].start_s - (rows[0].start_s + rows[0].offset_s) % DAY_S
    recordings = [Recording(row.start_s - first, row.length_s, user, row.sent) for user, row in enumerate(rows)]
    # The rounding takes off what floating point adds to a whole day.
    return recordings, math.ceil(round(max(one.end_s for one in recordings) / DAY_S, 9))


class _Row(NamedTuple):
    start_s: float
    length_s: float
    sent: bool
    offset_s: float
    """Of its clock from UTC."""


def _csv_rows(lines: list[str]) -> Iterator[_Row]:
    for row in csv.DictReader(lines):
        at, offset_s = _seconds(row["start"])
        yield _Row(at, float(row["seconds"]), sent=True, offset_s=offset_s)


def _json_rows(lines: list[str]) -> Iterator[_Row]:
    """What was asked; probes of the health keep no instance."""
    for line in lines:
        if not line.startswith("{"):
            continue  # a library that writes past the log
        entry: dict[str, Any] = json.loads(line)
        body = entry.get("jsonPayload", entry)
        if "path" in body and "status" in body and not str(body["path"]).startswith("/health"):
            took = float(body["seconds"])
            ended, offset_s = _seconds(entry.get("timestamp") or body["time"])
            yield _Row(ended - took, max(took, 0.1), body["path"] in ASKS and body["status"] == 200, offset_s)


def _check(start: float, length: float) -> None:
    if not 0 <= start < _TIMES_END_S:
        raise ValueError(f"a recording cannot start at {start} s")
    if not 0 < length <= DAY_S:
        raise ValueError(f"a recording cannot last {length} s")


def _seconds(text: str) -> tuple[float, float]:
    """A time in seconds since 1970, and how far its clock is from UTC."""
    try:
        return float(text), 0.0
    except ValueError:
        time = datetime.fromisoformat(text)
    offset = time.utcoffset() or timedelta()
    return time.replace(tzinfo=UTC).timestamp() - offset.total_seconds(), offset.total_seconds()


def _complaints(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problems = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in problems)


def _normal(dice: random.Random) -> float:
    return NormalDist().inv_cdf(max(dice.random(), 1e-12))


def _exponential(dice: random.Random, mean: float) -> float:
    return -mean * math.log(1 - dice.random())


def _geometric(dice: random.Random, mean: float) -> int:
    """How often a coin falls well before it does not, `mean` times on average."""
    return int(math.log(1 - dice.random()) / math.log(mean / (1 + mean))) if mean > 0 else 0
