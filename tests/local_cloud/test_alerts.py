"""Metrics from logs and alerts on them, by Google's client."""

from __future__ import annotations

from typing import Any

import httpx2 as httpx
import pytest
from googleapiclient.errors import HttpError

from . import filters
from .conftest import PROJECT, Served
from .errors import GoogleError
from .store import Json


def _policy(**condition: Any) -> Json:
    return {"displayName": "p", "combiner": "OR", "conditions": [{"displayName": "c", **condition}]}


_THRESHOLD = {"filter": 'metric.type="x" resource.type="y"', "comparison": "COMPARISON_GT", "duration": "60s"}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({**_THRESHOLD, "duration": "61s"}, "multiple of 60"),
        ({**_THRESHOLD, "filter": 'metric.type="x"'}, "Must specify a restriction"),
        (
            {**_THRESHOLD, "filter": 'metric.type="logging.googleapis.com/user/none" resource.type="y"'},
            "Cannot find metric",
        ),
        ({**_THRESHOLD, "filter": 'metric.type="x" AND (resource.type="y"'}, "Unparseable filter"),
        (None, "exactly one kind"),
    ],
)
def test_alert_refused(cloud: Served, condition: Json | None, words: str) -> None:
    policies = cloud.client("monitoring", "v3").projects().alertPolicies()
    kind = {"conditionThreshold": condition} if condition else {}
    with pytest.raises(HttpError, match=words):
        policies.create(name=PROJECT, body=_policy(**kind)).execute()


def test_alert_on_a_metric_with_a_slash_in_its_name(cloud: Served) -> None:
    policies = cloud.client("monitoring", "v3").projects().alertPolicies()
    metrics = cloud.client("logging", "v2").projects().metrics()

    def conditions(name: str) -> list[Json]:
        threshold = f'metric.type="logging.googleapis.com/user/{name}" AND resource.type="y"'
        query = f"increase(logging_googleapis_com:user_{name.replace('/', '_')}[5m]) > 0"
        quoted = f'increase({{"__name__"="logging.googleapis.com/user/{name}"}}[5m]) > 0'
        return [
            {"conditionThreshold": {**_THRESHOLD, "filter": threshold}},
            *({"conditionPrometheusQueryLanguage": {"query": each}} for each in (query, quoted)),
        ]

    metrics.create(parent=PROJECT, body={"name": "speech/errors", "filter": "severity>=ERROR"}).execute()
    for condition in conditions("speech/errors"):
        policies.create(name=PROJECT, body=_policy(**condition)).execute()
    for condition in conditions("speech/none"):
        with pytest.raises(HttpError, match="Cannot find metric"):
            policies.create(name=PROJECT, body=_policy(**condition)).execute()
    unchecked = {"query": "logging_googleapis_com:user_none > 0", "disableMetricValidation": True}
    policies.create(name=PROJECT, body=_policy(conditionPrometheusQueryLanguage=unchecked)).execute()


def test_metric_below_whose_name_is_another(cloud: Served) -> None:
    metrics = cloud.client("logging", "v2").projects().metrics()
    for name in ("below", "below/errors"):
        metrics.create(parent=PROJECT, body={"name": name, "filter": "severity>=ERROR"}).execute()
    metrics.delete(metricName=f"{PROJECT}/metrics/below").execute()
    with pytest.raises(HttpError, match="404"):
        metrics.get(metricName=f"{PROJECT}/metrics/below").execute()
    left = f"{cloud.url}/logging.googleapis.com/v2/{PROJECT}/metrics/below%2Ferrors"
    assert httpx.get(left, headers={"Authorization": "Bearer fake"}).json()["name"] == "below/errors"


def test_policy_is_replaced_where_no_mask_says_what_changes(cloud: Served) -> None:
    policies = cloud.client("monitoring", "v3").projects().alertPolicies()
    body = _policy(conditionThreshold=_THRESHOLD)
    made = policies.create(name=PROJECT, body={**body, "userLabels": {"a": "b"}, "enabled": False}).execute()
    changed = policies.patch(name=made["name"], body=body).execute()
    assert (changed["name"], changed["creationRecord"]) == (made["name"], made["creationRecord"])
    assert ("userLabels" in changed, changed["enabled"]) == (False, True)
    assert changed["conditions"][0]["name"] != made["conditions"][0]["name"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("interval.endTime", "soon"), ("interval.endTime", "0001-01-01"), ("aggregation.alignmentPeriod", "soon")],
)
def test_time_that_is_none(cloud: Served, name: str, value: str) -> None:
    series = cloud.client("monitoring", "v3").projects().timeSeries()
    asked = {"interval.startTime": "2026-01-01T00:00:00Z", "interval.endTime": "2026-01-02T00:00:00Z", name: value}
    asked = {key.replace(".", "_"): value for key, value in asked.items()}
    with pytest.raises(HttpError, match=f"Invalid value at '{name}'") as refused:
        series.list(name=PROJECT, filter='metric.type="run.googleapis.com/request_count"', **asked).execute()
    assert refused.value.status_code == 400


def test_metric_is_not_replaced_by_one_without_a_filter(cloud: Served) -> None:
    metrics = cloud.client("logging", "v2").projects().metrics()
    with pytest.raises(HttpError, match=r"metric\.filter: Required"):
        metrics.update(metricName=f"{PROJECT}/metrics/none", body={"name": "none"}).execute()


_ACCEPTED = """
severity>=ERROR
resource.type="cloud_run_revision" AND ((jsonPayload.logger="a" AND severity=CRITICAL) OR textPayload=~"^b: ")
metric.type="x" resource.type="y" metric.labels."a key"="z"
resource.labels.name = monitoring.regex.full_match("a|b")
NOT a:b -foo "bare words" log_id("x") a=("x" OR "y") a = one_of("a", "b") -- a comment
""".strip().splitlines()
_GARBAGE = ["", "((", "a=", 'a="x', "a AND", "OR b", "a = = b", "a)b", "=x", "f(a,)", "NOT", "(" * 5000]


def test_filters() -> None:
    for text in _ACCEPTED:
        filters.check(text)
    for text in _GARBAGE:
        with pytest.raises(GoogleError, match="Unparseable filter"):
            filters.check(text)
