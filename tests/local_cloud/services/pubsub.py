"""Pub/Sub: topics."""

from __future__ import annotations

from tests.local_cloud import labels
from tests.local_cloud.errors import bad_field
from tests.local_cloud.resources import Change, Collection

_SHORTEST_S, _LONGEST_S = 10 * 60, 31 * 24 * 3600
"""How long a topic may keep messages: https://cloud.google.com/pubsub/docs/topic-properties."""


def _check(change: Change) -> None:
    labels.check(change.body.get("labels", {}), "topic.labels")
    kept = change.body.get("messageRetentionDuration")
    if kept and not _SHORTEST_S <= float(kept.removesuffix("s")) <= _LONGEST_S:
        raise bad_field("topic.message_retention_duration", "must be from 10 minutes to 31 days")


_TOPICS = Collection(
    "pubsub.v1",
    "projects.topics",
    "create get patch delete getIamPolicy setIamPolicy",
    pattern=r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}",
    mask="required",
    check=_check,
)

METHODS = {"pubsub.v1": _TOPICS.methods()}
