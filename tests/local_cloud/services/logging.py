"""Logging: metrics from logs (https://cloud.google.com/logging/docs/logs-based-metrics)."""

from __future__ import annotations

import re

from tests.local_cloud import filters
from tests.local_cloud.call import Call, now
from tests.local_cloud.errors import bad_field
from tests.local_cloud.resources import Change, Collection, live
from tests.local_cloud.store import Json

from . import request_log

_EXTRACTOR = re.compile(r"(REGEXP_)?EXTRACT\(.+\)")


def _check(change: Change) -> None:
    body = change.body
    descriptor = body.get("metricDescriptor", {})
    filters.check(body.get("filter", ""))
    described = {label.get("key") for label in descriptor.get("labels", [])}
    if described != set(body.get("labelExtractors", {})):
        raise bad_field("metric.label_extractors", "There must be one extractor for each label of the descriptor")
    for extractor in (*body.get("labelExtractors", {}).values(), *filter(None, [body.get("valueExtractor")])):
        if not _EXTRACTOR.fullmatch(extractor):
            raise bad_field("metric.value_extractor", f"Not an EXTRACT or REGEXP_EXTRACT: {extractor}")
    distribution = descriptor.get("valueType") == "DISTRIBUTION"
    if distribution != ("valueExtractor" in body):
        raise bad_field(
            "metric.value_extractor", "A value extractor needs the value type DISTRIBUTION, and it the extractor"
        )
    if descriptor.get("metricKind", "DELTA") != "DELTA":
        raise bad_field("metric.metric_descriptor.metric_kind", "A metric from logs is DELTA")


def _fill(change: Change) -> None:
    body = change.body
    project, name = change.call.part("projects"), change.id
    kind = f"logging.googleapis.com/user/{name}"
    body["name"] = name
    descriptor = {"metricKind": "DELTA", "valueType": "INT64", "unit": "1", **body.get("metricDescriptor", {})}
    body["metricDescriptor"] = {**descriptor, "name": f"projects/{project}/metricDescriptors/{kind}", "type": kind}


def _replace(call: Call) -> Json:
    """A `PUT` replaces everything, and creates what is not there."""
    found = call.store.get(call.full())
    body = {**call.body, "name": call.name, "createTime": found.body["createTime"] if found else now()}
    change = Change(call, call.name, body, found.body if found else None)
    if not body.get("filter"):
        raise bad_field("metric.filter", "Required field is missing")
    _METRICS.check(change)
    _METRICS.fill(change)
    body["updateTime"] = now()
    call.store.put(call.full(), body)
    return body


def _delete(call: Call) -> Json:
    """Of this one alone: `a/b` is no part of the metric `a`."""
    call.store.remove(live(call).name, below=False)
    return {}


_METRICS = Collection(
    "logging.v2",
    "projects.metrics",
    "create get",
    id=".name",
    pattern=r"[A-Za-z0-9_.,+!*'()%/-]{1,100}",
    required=("filter",),
    check=_check,
    fill=_fill,
)

METHODS = {
    "logging.v2": {
        **_METRICS.methods(),
        "logging.projects.metrics.update": _replace,
        "logging.projects.metrics.delete": _delete,
        "logging.entries.list": request_log.listed,
    }
}
