"""The log of requests that Cloud Run writes, by Google's client of Logging."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from .cloud_run.meter import Meter
from .cloud_run.sample_meter import request
from .conftest import PROJECT, Served, served

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Served]:
    requests = [request("speech", _NOON + second, _NOON + second + 0.5) for second in (20, 0, 10)]
    meter = Meter([], [*requests, request("other", _NOON, _NOON + 1, 503)])
    with served(tmp_path, everything_enabled=True, with_registry=False, meter=meter) as here:
        yield here


def _list(cloud: Served, condition: str, **changes: Any) -> Any:
    body = {"resourceNames": [PROJECT], "filter": condition, "orderBy": "timestamp asc", **changes}
    return cloud.client("logging", "v2").entries().list(body=body).execute()


def test_requests_come_in_pages_by_their_time(cloud: Served) -> None:
    wanted = (
        f'logName="{PROJECT}/logs/run.googleapis.com%2Frequests" AND resource.labels.service_name="speech"'
        ' AND timestamp>="2026-11-23T12:00:00Z" AND timestamp<"2026-11-23T12:00:20Z"'
    )
    first = _list(cloud, wanted, pageSize=1)
    second = _list(cloud, wanted, pageSize=1, pageToken=first["nextPageToken"])
    assert [page["entries"][0]["timestamp"] for page in (first, second)] == [
        "2026-11-23T12:00:00Z",
        "2026-11-23T12:00:10Z",
    ]
    assert "nextPageToken" not in second
    [entry] = second["entries"]
    assert entry["httpRequest"]["latency"] == "0.500000s"
    assert entry["labels"] == {"instanceId": "speech-00001-abc-0"}
    assert len(_list(cloud, 'severity="ERROR"')["entries"]) == 1


def test_what_cannot_be_listed_is_refused(cloud: Served) -> None:
    with pytest.raises(HttpError, match="Permission denied"):
        _list(cloud, "", resourceNames=["projects/another"])
    with pytest.raises(HttpError, match="page token"):
        _list(cloud, "severity=INFO", pageToken="x")
    with pytest.raises(HttpError, match="oldest entries first"):
        _list(cloud, "severity=INFO", orderBy="timestamp desc")
    with pytest.raises(HttpError, match="Unparseable filter"):
        _list(cloud, "(")
