"""Who calls, and whether the project may be called at all: what Google refuses before it looks at a request."""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import tokens
from .call import Call, Cloud
from .discovery import Method
from .errors import GoogleError, disabled, without_quota_project

_WITHOUT_TOKEN = {"sts.googleapis.com"}
_ALWAYS_ENABLED = {
    "serviceusage.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudbilling.googleapis.com",
    "billingbudgets.googleapis.com",
    "sts.googleapis.com",
}
"""APIs that are not tied to the project they are asked about."""
_NEEDS_QUOTA_PROJECT = {"billingbudgets.googleapis.com"}
"""APIs whose resources are in no project: a person, unlike a service account, has to say which one's quota to use."""

LOCATIONS = frozenset(
    "global us eu asia asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2"
    " asia-southeast1 asia-southeast2 australia-southeast1 australia-southeast2 europe-central2 europe-north1"
    " europe-southwest1 europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 europe-west9"
    " me-west1 northamerica-northeast1 southamerica-east1 us-central1 us-east1 us-east4 us-east5 us-south1 us-west1"
    " us-west2 us-west3 us-west4".split()
)
"""Places of Google Cloud: https://cloud.google.com/about/locations (2026-11; the ones that this stack could use)."""


def caller(cloud: Cloud, method: Method, headers: Mapping[str, str]) -> str:
    """The principal of a request. A token that this stand-in did not give out is the owner's.

    Raises:
        GoogleError: 401, no token or one that has expired.
    """
    return "" if method.api.host in _WITHOUT_TOKEN else bearer(cloud, headers)


def bearer(cloud: Cloud, headers: Mapping[str, str]) -> str:
    """The principal of the token in a request's headers.

    Raises:
        GoogleError: as above.
    """
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise GoogleError("UNAUTHENTICATED", "Request is missing required authentication credential.")
    return tokens.principal(cloud, token)


def admit(call: Call) -> None:
    """Refuse a project that is not there, an API that it has not enabled, and a place that does not exist.

    Raises:
        GoogleError: 403.
    """
    found = re.match(r"projects/([^/]+)", call.name)
    billed = call.headers.get("x-goog-user-project")
    asked = found[1] if found else call.query.get("project")
    for project in (asked, billed):
        if project and project not in (call.cloud.project.id, call.cloud.project.number, "-"):
            raise GoogleError("PERMISSION_DENIED", f"Permission denied on resource project {project}.")
    host = call.method.api.host
    if host in _NEEDS_QUOTA_PROJECT and not billed and call.caller.startswith("user:"):
        raise without_quota_project(host)
    needed = host not in _ALWAYS_ENABLED if asked else bool(billed)
    if needed and not enabled(call, host):
        raise disabled(host, call.method.api.title, call.cloud.project.number)
    place = re.search(r"/(?:locations|regions)/([^/]+)", call.name)
    if place and place[1] not in LOCATIONS:
        raise GoogleError("PERMISSION_DENIED", f"Permission denied on 'locations/{place[1]}' (or it may not exist).")


def enabled(call: Call, host: str) -> bool:
    """Whether the project has enabled an API."""
    entity = call.store.get(f"serviceusage.googleapis.com/projects/{call.cloud.project.id}/services/{host}")
    return entity is not None and entity.body["state"] == "ENABLED"
