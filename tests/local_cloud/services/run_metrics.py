"""What Cloud Monitoring has of Cloud Run, from the meter: https://cloud.google.com/monitoring/api/metrics_gcp_p_z, run.

Intervals are half open, and aligned at the end of the time that was asked for, as Google's are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean

from tests.local_cloud.cloud_run.meter import Life, Meter, Served
from tests.local_cloud.store import Json

_SAMPLE_S = 60
"""Between two looks at a gauge."""
_GROWTH = 1.4
"""Of the buckets of a distribution, from 1 ms on."""
_BUCKETS = 66


@dataclass(frozen=True)
class Slice:
    """A time: after `begin`, until `end`, seconds since 1970."""

    begin: float
    end: float

    def has(self, time: float | None) -> bool:
        """Whether something happened in it."""
        return time is not None and self.begin < time <= self.end


@dataclass(frozen=True)
class Series:
    """A metric with these labels; `values` are what happened in a slice: amounts to add up, or samples of a gauge."""

    service: str
    revision: str
    labels: dict[str, str]
    values: Callable[[Slice], list[float]]


@dataclass(frozen=True)
class Metric:
    """A metric of Cloud Run, by what is known of it."""

    kind: str
    type: str
    unit: str
    series: Callable[[Meter], Iterator[Series]]


def _billed(meter: Meter) -> Iterator[Series]:
    def of(lives: list[Life]) -> Callable[[Slice], list[float]]:
        return lambda when: [_billed_in(life, when, meter.now()) for life in lives]

    for (service, revision), lives in _by_revision(meter.lives).items():
        yield Series(service, revision, {}, of(lives))


def _billed_in(life: Life, when: Slice, now: float) -> float:
    one = life.instance
    if one.started is None:
        return 0.0
    end = one.started + one.billable_s(now)
    return max(0.0, min(end, when.end) - max(one.started, when.begin))


def _counts(meter: Meter) -> Iterator[Series]:
    def of(lives: list[Life], active: bool) -> Callable[[Slice], list[float]]:
        return lambda when: [
            float(sum(_is_there(life, at) and _is_active(meter, life, at) == active for life in lives))
            for at in _samples(when, meter.now())
        ]

    for (service, revision), lives in _by_revision(meter.lives).items():
        for state in ("active", "idle"):
            yield Series(service, revision, {"state": state}, of(lives, state == "active"))


def _samples(when: Slice, now: float) -> Iterator[float]:
    first, last = math.floor(when.begin / _SAMPLE_S) + 1, math.floor(min(when.end, now) / _SAMPLE_S)
    yield from (number * _SAMPLE_S for number in range(first, last + 1))


def _is_there(life: Life, at: float) -> bool:
    one = life.instance
    return one.started is not None and one.started <= at and (one.ended is None or at < one.ended)


def _is_active(meter: Meter, life: Life, at: float) -> bool:
    """Whether it starts, or has a request."""
    one = life.instance
    if one.ready is None or at < one.ready:
        return True
    if one.in_flight and one.since <= at:
        return True
    return any(
        each.sent is not None and each.sent <= at < each.ended
        for each in list(meter.requests)
        if each.instance == one.number and each.revision == life.revision
    )


def _requests(meter: Meter) -> Iterator[Series]:
    def of(requests: list[Served]) -> Callable[[Slice], list[float]]:
        return lambda when: [1.0 for one in requests if when.has(one.ended)]

    for labels, requests in _by_status(meter):
        yield Series(requests[0].service, requests[0].revision.name, labels, of(requests))


def _latencies(meter: Meter) -> Iterator[Series]:
    def of(requests: list[Served]) -> Callable[[Slice], list[float]]:
        return lambda when: [(one.ended - one.arrived) * 1000 for one in requests if when.has(one.ended)]

    for labels, requests in _by_status(meter):
        yield Series(requests[0].service, requests[0].revision.name, labels, of(requests))


def _startups(meter: Meter) -> Iterator[Series]:
    def of(lives: list[Life]) -> Callable[[Slice], list[float]]:
        return lambda when: [
            (one.ready - one.started) * 1000
            for one in (life.instance for life in lives)
            if one.ready is not None and one.started is not None and when.has(one.ready)
        ]

    for (service, revision), lives in _by_revision(meter.lives).items():
        yield Series(service, revision, {}, of(lives))


METRICS = {
    "container/billable_instance_time": Metric("DELTA", "DOUBLE", "s", _billed),
    "container/instance_count": Metric("GAUGE", "INT64", "1", _counts),
    "container/startup_latencies": Metric("DELTA", "DISTRIBUTION", "ms", _startups),
    "request_count": Metric("DELTA", "INT64", "1", _requests),
    "request_latencies": Metric("DELTA", "DISTRIBUTION", "ms", _latencies),
}
"""By their names after run.googleapis.com/."""


def _by_revision(lives: list[Life]) -> dict[tuple[str, str], list[Life]]:
    found: dict[tuple[str, str], list[Life]] = {}
    for life in list(lives):
        found.setdefault((life.service, life.revision.name), []).append(life)
    return found


def _by_status(meter: Meter) -> Iterator[tuple[dict[str, str], list[Served]]]:
    found: dict[tuple[str, str, int], list[Served]] = {}
    for one in list(meter.requests):
        if one.status:
            found.setdefault((one.service, one.revision.name, one.status), []).append(one)
    for (_, _, status), requests in found.items():
        yield {"response_code": str(status), "response_code_class": f"{status // 100}xx"}, requests


def value(values: list[float], metric: Metric, aligner: str) -> tuple[str, str, Json] | None:
    """What an aligner makes of the values of a slice: kind, type and value. None where there is nothing to tell.

    Raises:
        KeyError: the aligner is not known here.
    """
    if not any(values):
        return None
    if aligner.startswith("ALIGN_PERCENTILE_"):
        share = int(aligner.removeprefix("ALIGN_PERCENTILE_")) / 100
        ordered = sorted(values)
        return "GAUGE", "DOUBLE", {"doubleValue": ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))]}
    if metric.type == "DISTRIBUTION" and aligner in ("ALIGN_NONE", "ALIGN_DELTA", "ALIGN_SUM"):
        return "DELTA", "DISTRIBUTION", {"distributionValue": _distribution(values)}
    made: dict[str, Callable[[list[float]], float]] = {"ALIGN_SUM": sum, "ALIGN_MAX": max, "ALIGN_MIN": min}
    if metric.kind == "DELTA":
        made |= {"ALIGN_NONE": sum, "ALIGN_DELTA": sum}
    else:
        made["ALIGN_NONE"] = lambda samples: samples[-1]
    if aligner == "ALIGN_MEAN" or metric.type == "DISTRIBUTION":
        return "GAUGE", "DOUBLE", {"doubleValue": {**made, "ALIGN_MEAN": fmean}[aligner](values)}
    number = made[aligner](values)
    if metric.type == "INT64":
        return metric.kind, "INT64", {"int64Value": str(round(number))}
    return metric.kind, "DOUBLE", {"doubleValue": number}


def _distribution(values: list[float]) -> Json:
    mean = fmean(values)
    counts = [0] * (_BUCKETS + 2)
    for one in values:
        at = 0 if one < 1 else math.floor(math.log(one, _GROWTH)) + 1
        counts[min(at, _BUCKETS + 1)] += 1
    last = max(index for index, count in enumerate(counts) if count)
    return {
        "count": str(len(values)),
        "mean": mean,
        "sumOfSquaredDeviation": sum((one - mean) ** 2 for one in values),
        "bucketOptions": {"exponentialBuckets": {"numFiniteBuckets": _BUCKETS, "growthFactor": _GROWTH, "scale": 1}},
        "bucketCounts": [str(count) for count in counts[: last + 1]],
    }


def stamp(seconds: float) -> str:
    """A time as Google writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
