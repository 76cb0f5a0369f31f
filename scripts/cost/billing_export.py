"""What Google billed for a service, from the export of Cloud Billing to BigQuery.

https://docs.cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scripts.google import get, post
from scripts.programs import ProgramError

_TABLE = re.compile(r"(?P<project>[a-z][a-z0-9-]{4,28}[a-z0-9])\.\w+\.gcp_billing_export_resource_v1_\w+")
_QUERY = """\
SELECT usage_start_time, currency, SUM(cost) AS cost,
       SUM(IFNULL((SELECT SUM(credit.amount) FROM UNNEST(credits) AS credit), 0)) AS credits
FROM `{table}`
WHERE service.id = '152E-C115-5142' AND resource.name = @service AND location.region = @region
  AND usage_start_time >= @begin AND usage_start_time < @end
GROUP BY usage_start_time, currency ORDER BY usage_start_time
"""
_WAIT_MS = 30_000


@dataclass(frozen=True, slots=True)
class Billed:
    """An hour of a service."""

    begin: datetime
    currency: str
    cost: float
    """Credits are taken off, such as the free tier."""


def billed_hours(table: str, service: str, begin: datetime, end: datetime) -> Iterator[Billed]:
    """The hours that begin in a time.

    Args:
        table: PROJECT.DATASET.gcp_billing_export_resource_v1_ACCOUNT, the detailed export.
        service: projects/PROJECT/locations/REGION/services/NAME.
        begin: of the time that is looked at.
        end: and its end.

    Raises:
        ProgramError: that is no such table.
        requests.RequestException, google.auth.exceptions.GoogleAuthError: Google refuses.
    """
    named = _TABLE.fullmatch(table)
    if not named:
        raise ProgramError(
            f"{table} is no detailed billing export: give PROJECT.DATASET.gcp_billing_export_resource_v1_ACCOUNT"
        )
    _, _, _, region, _, name = service.split("/")
    parameters = [
        _parameter("service", "STRING", name),
        _parameter("region", "STRING", region),
        _parameter("begin", "TIMESTAMP", begin.isoformat()),
        _parameter("end", "TIMESTAMP", end.isoformat()),
    ]
    asked = {
        "query": _QUERY.format(table=table),
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "queryParameters": parameters,
        "timeoutMs": _WAIT_MS,
    }
    for row in _rows(named["project"], asked):
        start, currency, cost, credited = (cell["v"] for cell in row["f"])
        yield Billed(datetime.fromtimestamp(float(start), UTC), currency, float(cost) + float(credited))


def _rows(project: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    answer = post("bigquery", f"bigquery/v2/projects/{project}/queries", asked)
    while True:
        job, token = answer["jobReference"], answer.get("pageToken")
        complete = answer["jobComplete"]
        if complete:
            yield from answer.get("rows", [])
            if not token:
                return
        answer = get(
            "bigquery",
            f"bigquery/v2/projects/{project}/queries/{job['jobId']}",
            location=job.get("location"),
            pageToken=token if complete else None,
            timeoutMs=_WAIT_MS,
        )


def _parameter(name: str, kind: str, value: str) -> dict[str, Any]:
    return {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": value}}
