"""Pub/Sub: topics."""

from __future__ import annotations

from tests.local_cloud.resources import Collection

_TOPICS = Collection(
    "pubsub.v1",
    "projects.topics",
    "create get patch delete getIamPolicy setIamPolicy",
    pattern=r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}",
    mask="required",
)

METHODS = {"pubsub.v1": _TOPICS.methods()}
