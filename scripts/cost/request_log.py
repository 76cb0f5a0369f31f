"""What was asked of each instance, from the log of requests that Cloud Run itself writes.

https://docs.cloud.google.com/run/docs/logging#request-logs
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from scripts.cost.traffic import ASKS
from scripts.google import post

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Logged:
    """A request."""

    time: datetime
    instance: str
    """Empty where none had it."""
    answer: bool
    """Something was asked of the model, and answered."""


def logged_requests(service: str, begin: datetime, end: datetime) -> Iterator[Logged]:
    """The requests to a service, by their time.

    Args:
        service: projects/PROJECT/locations/REGION/services/NAME.
        begin: of the time that is looked at.
        end: and its end.

    Raises:
        requests.RequestException, google.auth.exceptions.GoogleAuthError: Google refuses.
    """
    _, project, _, region, _, name = service.split("/")
    asked: dict[str, Any] = {
        "resourceNames": [f"projects/{project}"],
        "filter": f'logName="projects/{project}/logs/run.googleapis.com%2Frequests"'
        f' AND resource.type="cloud_run_revision" AND resource.labels.service_name="{name}"'
        f' AND resource.labels.location="{region}"'
        f' AND timestamp>="{begin.isoformat()}" AND timestamp<"{end.isoformat()}"',
        "orderBy": "timestamp asc",
        "pageSize": _PAGE,
    }
    token = None
    while token != "":
        page = post("logging", "v2/entries:list", asked | ({"pageToken": token} if token else {}))
        yield from map(_logged, page.get("entries", []))
        token = page.get("nextPageToken", "")


def _logged(entry: dict[str, Any]) -> Logged:
    request = entry["httpRequest"]
    path = urlsplit(request["requestUrl"]).path
    answered = request["requestMethod"] == "POST" and path in ASKS and 200 <= request.get("status", 0) < 300
    return Logged(datetime.fromisoformat(entry["timestamp"]), entry.get("labels", {}).get("instanceId", ""), answered)
