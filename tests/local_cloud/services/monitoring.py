"""Monitoring: whom to tell (channels) and of what (alert policies)."""

from __future__ import annotations

import re

from tests.local_cloud import filters, labels
from tests.local_cloud.call import Call, digits, now
from tests.local_cloud.errors import GoogleError, bad_field
from tests.local_cloud.masks import value_at
from tests.local_cloud.resources import Change, Collection
from tests.local_cloud.store import Json

from . import timeseries

_CHANNEL_LABELS = {"email": {"email_address"}, "pubsub": {"topic"}, "webhook_tokenauth": {"url"}, "sms": {"number"}}
_USER_METRIC = re.compile(r'logging\.googleapis\.com/user/([^"\s)]+)')
_IN_PROMQL = re.compile(r"logging_googleapis_com:user_(\w+)")
"""A counter of the log in PromQL, where all but letters and digits of its name became underscores:
https://cloud.google.com/monitoring/promql/promql-mapping."""
_KINDS = (
    "conditionThreshold conditionAbsent conditionMatchedLog conditionMonitoringQueryLanguage"
    " conditionPrometheusQueryLanguage conditionSql"
).split()
_MOST_POLICIES_CHANNELS = 16


def _check_channel(change: Change) -> None:
    kind = change.body.get("type", "")
    if kind not in _CHANNEL_LABELS:
        raise bad_field("notification_channel.type", f"Unknown channel type '{kind}'")
    if set(change.body.get("labels", {})) != _CHANNEL_LABELS[kind]:
        wanted = ", ".join(_CHANNEL_LABELS[kind])
        raise bad_field("notification_channel.labels", f"A channel of type '{kind}' has the labels: {wanted}")
    email = value_at(change.body, "labels.email_address")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise bad_field("notification_channel.labels", f"'{email}' is not an e-mail address")


def _record(change: Change, creation: str, mutation: str) -> None:
    body = change.body
    mutations = body.setdefault(mutation, None)
    stamp = {"mutateTime": now(), "mutatedBy": "owner@example.com"}
    if change.before is None:
        body[creation] = stamp
    body[mutation] = ([*(mutations or []), stamp] if mutation.endswith("s") else stamp) or stamp


def _fill_channel(change: Change) -> None:
    change.body.setdefault("enabled", True)
    _record(change, "creationRecord", "mutationRecords")


def _unused(call: Call) -> None:
    """A channel that a policy tells stays, unless `force` takes it from that policy."""
    project, force = call.part("projects"), call.query.get("force") == "true"
    for entity in call.store.children(f"monitoring.googleapis.com/projects/{project}/alertPolicies"):
        if call.name in entity.body.get("notificationChannels", []):
            if not force:
                raise GoogleError("FAILED_PRECONDITION", f"Channel {call.name} is used by {entity.body['name']}.")
            left = [name for name in entity.body["notificationChannels"] if name != call.name]
            call.store.put(entity.name, {**entity.body, "notificationChannels": left})


def _delete_channel(call: Call) -> Json:
    _unused(call)
    answer: Json = _CHANNELS.methods()["monitoring.projects.notificationChannels.delete"](call)
    return answer


def _check_policy(change: Change) -> None:
    body, call = change.body, change.call
    if body.get("combiner", "COMBINE_UNSPECIFIED") == "COMBINE_UNSPECIFIED":
        raise bad_field("alert_policy.combiner", "A combiner is required")
    labels.check(body.get("userLabels", {}), "alert_policy.user_labels")
    if not 1 <= len(body.get("conditions", [])) <= 6:
        raise bad_field("alert_policy.conditions", "A policy has 1 to 6 conditions")
    for condition in body["conditions"]:
        _check_condition(change, condition)
    channels = body.get("notificationChannels", [])
    if len(channels) > _MOST_POLICIES_CHANNELS:
        raise bad_field("alert_policy.notification_channels", f"At most {_MOST_POLICIES_CHANNELS} channels are allowed")
    for channel in channels:
        if call.store.get(call.full(call.cloud.by_id(channel))) is None:
            raise bad_field("alert_policy.notification_channels", f"Channel {channel} does not exist")


def _check_condition(change: Change, condition: Json) -> None:
    kinds = [kind for kind in _KINDS if kind in condition]
    if len(kinds) != 1:
        raise bad_field("alert_policy.conditions", "A condition has exactly one kind")
    if not condition.get("displayName"):
        raise bad_field("alert_policy.conditions.display_name", "Required field is missing")
    inner = condition[kinds[0]]
    if kinds[0] == "conditionMatchedLog" and not value_at(change.body, "alertStrategy.notificationRateLimit.period"):
        raise bad_field("alert_policy.alert_strategy", "A condition on logs needs a notificationRateLimit")
    if kinds[0] == "conditionPrometheusQueryLanguage":
        _check_promql(change, inner)
    if kinds[0] in ("conditionThreshold", "conditionAbsent"):
        _check_series(change, inner)


def _check_series(change: Change, inner: Json) -> None:
    for name in ("filter", "denominatorFilter"):
        text = inner.get(name, "")
        if text:
            filters.check(text)
        if name == "filter" and not ("metric.type" in text and "resource.type" in text):
            raise bad_field(
                "alert_policy.conditions.filter", "Must specify a restriction on metric.type and resource.type"
            )
        _known(_USER_METRIC.findall(text), _metrics(change.call))
    duration = inner.get("duration", "0s")
    if float(duration[:-1]) % 60:
        raise bad_field("alert_policy.conditions.duration", "Must be a multiple of 60 s")
    for aggregation in inner.get("aggregations", []):
        if float(aggregation.get("alignmentPeriod", "60s")[:-1]) < 60:
            raise bad_field("alert_policy.conditions.aggregations", "alignmentPeriod must be at least 60 s")


def _check_promql(change: Change, inner: Json) -> None:
    query = inner.get("query", "")
    if not query:
        raise bad_field("alert_policy.conditions.query", "Required field is missing")
    if not inner.get("disableMetricValidation"):
        names = [re.sub(r"\W", "_", name) for name in _metrics(change.call)]
        _known(_IN_PROMQL.findall(query), names)
        _known(_USER_METRIC.findall(query), _metrics(change.call))


def _metrics(call: Call) -> list[str]:
    """The names of the project's metrics from logs; they may have slashes."""
    above = f"logging.googleapis.com/projects/{call.cloud.project.id}/metrics"
    return [entity.name.removeprefix(f"{above}/") for entity in call.store.children(above, deeper=True)]


def _known(wanted: list[str], there: list[str]) -> None:
    for name in wanted:
        if name not in there:
            raise GoogleError(
                "NOT_FOUND",
                f'Cannot find metric(s) that match type = "logging.googleapis.com/user/{name}". If a metric was '
                "created recently, it could take up to 10 minutes to become available. Please try again soon.",
            )


def _fill_policy(change: Change) -> None:
    change.body.setdefault("enabled", True)
    for condition in change.body["conditions"]:
        condition.setdefault("name", f"{change.name}/conditions/{digits(19)}")
    _record(change, "creationRecord", "mutationRecord")


_CHANNELS = Collection(
    "monitoring.v3",
    "projects.notificationChannels",
    "create get list patch delete",
    id=lambda _: digits(19),
    pattern=r"\d+",
    immutable=("type",),
    check=_check_channel,
    fill=_fill_channel,
)
_POLICIES = Collection(
    "monitoring.v3",
    "projects.alertPolicies",
    "create get list patch delete",
    id=lambda _: digits(19),
    pattern=r"\d+",
    required=("displayName",),
    mask="replace",
    check=_check_policy,
    fill=_fill_policy,
)


METHODS = {
    "monitoring.v3": {
        "monitoring.projects.timeSeries.list": timeseries.listed,
        **_CHANNELS.methods(),
        **_POLICIES.methods(),
        "monitoring.projects.notificationChannels.delete": _delete_channel,
    }
}
