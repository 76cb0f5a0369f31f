"""`timeSeries.list`: https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list."""

from __future__ import annotations

import re
from datetime import datetime

from tests.local_cloud import filters
from tests.local_cloud.call import Call
from tests.local_cloud.cloud_run.meter import Meter
from tests.local_cloud.errors import GoogleError, bad_field
from tests.local_cloud.store import Json

from .run_metrics import METRICS, Metric, Series, Slice, stamp, value

_RUN = "run.googleapis.com/"
_RESOURCE = "cloud_run_revision"
_STEP_S = 60.0
"""Of points that nobody asks to be aligned."""
_MOST_STEPS = 100_000
Value = tuple[str, str, Json]
"""Kind, type, and what a point has."""


def listed(call: Call) -> Json:
    """The series of a metric of Cloud Run, aligned, reduced and grouped as asked."""
    asked = call.query
    text = asked.get("filter", "")
    found = re.search(r'metric\.type\s*=\s*"([^"]+)"', text)
    if not found:
        raise bad_field("filter", "Must specify a single metric type")
    filters.check(text)
    metric = METRICS.get(found[1].removeprefix(_RUN))
    begin, end = (_time(asked, f"interval.{name}") for name in ("startTime", "endTime"))
    if begin is None or end is None or begin >= end:
        raise bad_field("interval", "The start must be before the end")
    step = _seconds(asked.get("aggregation.alignmentPeriod"))
    if step < _STEP_S or (end - begin) / step > _MOST_STEPS:
        raise bad_field("aggregation.alignmentPeriod", "The alignment period must be at least 60 seconds")
    aligner = asked.get("aggregation.perSeriesAligner", "ALIGN_NONE")
    reduced = asked.get("aggregation.crossSeriesReducer", "REDUCE_NONE")
    if reduced not in ("REDUCE_NONE", "REDUCE_SUM"):
        raise GoogleError("UNIMPLEMENTED", f"The local cloud does not reduce series by {reduced}.")
    grouped = asked.get("aggregation.groupByFields", [])
    if metric is None or call.cloud.meter is None:
        return {}
    wanted = _matching(call, metric, text, call.cloud.meter)
    groups = grouped if reduced == "REDUCE_SUM" else list(_fields({}, {}))
    slices = _slices(begin, end, step)
    answer = []
    for labels, series in _grouped(call, wanted, groups, reduced).items():
        points = _points(series, slices, metric, aligner)
        if points:
            kind, kind_of_value, _ = points[0][1]
            answer.append(_described(found[1], dict(labels), kind, kind_of_value, metric, points))
    return {"timeSeries": answer, "unit": metric.unit} if answer else {}


def _time(asked: Json, name: str) -> float | None:
    text = asked.get(name)
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None


def _seconds(text: str | None) -> float:
    return float(text.removesuffix("s")) if text else _STEP_S


def _slices(begin: float, end: float, step: float) -> list[Slice]:
    """The newest first, as the answer has them."""
    slices = []
    while end > begin:
        slices.append(Slice(max(begin, end - step), end))
        end -= step
    return slices


def _matching(call: Call, metric: Metric, text: str, meter: Meter) -> list[Series]:
    """The series that a filter lets through: comparisons for equality, joined by AND."""
    conditions = re.findall(r'((?:metric|resource)\.(?:labels?\.\w+|type))\s*=\s*"([^"]*)"', text)
    wanted = {name.replace("label.", "labels."): given for name, given in conditions if name != "metric.type"}
    if wanted.pop("resource.type", _RESOURCE) != _RESOURCE:
        return []
    return [
        one
        for one in metric.series(meter)
        if all(_labels(call, one).get(name) == given for name, given in wanted.items())
    ]


def _labels(call: Call, one: Series) -> dict[str, str]:
    place = one.service.split("/")
    resource = {
        "project_id": call.cloud.project.id,
        "location": place[3],
        "service_name": place[5],
        "configuration_name": place[5],
        "revision_name": one.revision,
    }
    return _fields(one.labels, resource)


def _fields(metric: dict[str, str], resource: dict[str, str]) -> dict[str, str]:
    return {f"metric.labels.{name}": given for name, given in metric.items()} | {
        f"resource.labels.{name}": given for name, given in resource.items()
    }


def _grouped(
    call: Call, wanted: list[Series], groups: list[str], reduced: str
) -> dict[tuple[tuple[str, str], ...], list[Series]]:
    found: dict[tuple[tuple[str, str], ...], list[Series]] = {}
    named = [name.replace("label.", "labels.") for name in groups]
    for one in wanted:
        labels = _labels(call, one)
        key = tuple(labels.items()) if reduced == "REDUCE_NONE" else tuple((n, labels[n]) for n in named if n in labels)
        found.setdefault(key, []).append(one)
    return found


def _points(series: list[Series], slices: list[Slice], metric: Metric, aligner: str) -> list[tuple[Slice, Value]]:
    points = []
    for when in slices:
        try:
            made = value(_together(series, when, metric), metric, aligner)
        except KeyError as error:
            raise bad_field("aggregation.perSeriesAligner", f"{aligner} does not fit this metric") from error
        if made:
            points.append((when, made))
    return points


def _together(series: list[Series], when: Slice, metric: Metric) -> list[float]:
    """The values of all series: of gauges the sums at each sample, of others all that happened."""
    parts = [one.values(when) for one in series]
    if metric.kind == "GAUGE":
        return [sum(samples) for samples in zip(*parts, strict=True)]
    return [one for part in parts for one in part]


def _described(
    name: str, labels: dict[str, str], kind: str, value_type: str, metric: Metric, points: list[tuple[Slice, Value]]
) -> Json:
    def of(prefix: str) -> dict[str, str]:
        return {key.removeprefix(prefix): given for key, given in labels.items() if key.startswith(prefix)}

    def interval(when: Slice) -> Json:
        return {"startTime": stamp(when.begin if kind == "DELTA" else when.end), "endTime": stamp(when.end)}

    return {
        "metric": {"type": name, "labels": of("metric.labels.")},
        "resource": {"type": _RESOURCE, "labels": of("resource.labels.")},
        "metricKind": kind,
        "valueType": value_type,
        "unit": metric.unit,
        "points": [{"interval": interval(when), "value": given} for when, (_, _, given) in points],
    }
