"""What a meter has seen, by Google's clients of Monitoring and of BigQuery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from googleapiclient.errors import HttpError

from scripts.cost.instance import Instance

from .call import Project
from .cloud_run.meter import Meter, Served
from .cloud_run.sample_meter import life, request
from .conftest import PROJECT, served
from .conftest import Served as Cloud
from .services.billing_export import rows
from .store import Json

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


def asked(arrived: float, ended: float, status: int = 200) -> Served:
    return request("speech", NOON + arrived, NOON + ended, status)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """One whose instance ran from ten past eleven for 58 minutes and 0.05 s, and one that runs for five minutes."""
    first = Instance(0, asked=NOON - 3010, started=NOON - 3000, ready=NOON - 2988, ended=NOON + 480.05)
    second = Instance(1, asked=NOON + 3000, started=NOON + 3010, ready=NOON + 3020, since=NOON + 3020)
    requests = [asked(-2990, -2980), asked(10, 11), asked(12, 14), asked(20, 21, 503)]
    meter = Meter([life("speech", one) for one in (first, second)], requests, lambda: NOON + 3310)
    with served(tmp_path, everything_enabled=True, with_registry=False, meter=meter) as here:
        yield here


def series(cloud: Cloud, metric: str, begin: float, end: float, **aggregation: Any) -> list[Json]:
    asked = {
        "filter": f'metric.type="run.googleapis.com/{metric}" AND resource.type="cloud_run_revision"'
        ' AND resource.labels.service_name="speech"',
        "interval_startTime": datetime.fromtimestamp(NOON + begin, UTC).isoformat(),
        "interval_endTime": datetime.fromtimestamp(NOON + end, UTC).isoformat(),
        **{f"aggregation_{name}": value for name, value in aggregation.items()},
    }
    found = cloud.client("monitoring", "v3").projects().timeSeries().list(name=PROJECT, **asked).execute()
    answer: list[Json] = found.get("timeSeries", [])
    return answer


def values(one: Json, kind: str) -> list[float]:
    return [float(point["value"][kind]) for point in one["points"]]


def test_billable_time_falls_into_its_hours(cloud: Cloud) -> None:
    [one] = series(
        cloud, "container/billable_instance_time", -3600, 7200, alignmentPeriod="3600s", perSeriesAligner="ALIGN_DELTA"
    )
    assert one["resource"]["labels"]["revision_name"] == "speech-00001-abc"
    # Newest first. The second instance still runs: it is billed until now, and nothing is known of the next hour.
    assert values(one, "doubleValue") == pytest.approx([480.1 + 300, 3000.0])
    [whole] = series(
        cloud,
        "container/billable_instance_time",
        -3600,
        3310,
        alignmentPeriod="86400s",
        perSeriesAligner="ALIGN_SUM",
        crossSeriesReducer="REDUCE_SUM",
    )
    assert values(whole, "doubleValue") == pytest.approx([3480.1 + 300])
    assert whole["resource"]["labels"] == {}


def test_instances_are_active_or_idle(cloud: Cloud) -> None:
    found = series(
        cloud,
        "container/instance_count",
        -3060,
        600,
        alignmentPeriod="60s",
        perSeriesAligner="ALIGN_MAX",
        crossSeriesReducer="REDUCE_SUM",
        groupByFields=["metric.labels.state"],
    )
    states = {one["metric"]["labels"]["state"]: values(one, "int64Value") for one in found}
    assert sum(states["active"]) == 1, "it was starting as the first minute was sampled"
    assert sum(states["idle"]) == 58
    [idle] = series(cloud, "container/instance_count", 3000, 7200, perSeriesAligner="ALIGN_MAX")
    assert values(idle, "int64Value") == [1] * 5, "nothing is known of what comes after now"


def test_requests_by_their_status_and_latencies(cloud: Cloud) -> None:
    found = series(cloud, "request_count", 0, 60, perSeriesAligner="ALIGN_DELTA")
    counts = {one["metric"]["labels"]["response_code"]: values(one, "int64Value") for one in found}
    assert counts == {"200": [2], "503": [1]}
    [one] = series(cloud, "request_latencies", 0, 60, perSeriesAligner="ALIGN_DELTA", crossSeriesReducer="REDUCE_SUM")
    told = one["points"][0]["value"]["distributionValue"]
    assert (told["count"], told["mean"]) == ("3", pytest.approx(4000 / 3))
    found = series(cloud, "request_latencies", 0, 60, perSeriesAligner="ALIGN_PERCENTILE_99")
    assert sorted(values(one, "doubleValue")[0] for one in found) == pytest.approx([1000, 2000])
    [one] = series(
        cloud, "container/startup_latencies", -3600, 0, alignmentPeriod="3600s", perSeriesAligner="ALIGN_MEAN"
    )
    assert values(one, "doubleValue") == pytest.approx([12_000])


def test_what_cannot_be_aligned_so_is_refused(cloud: Cloud) -> None:
    with pytest.raises(HttpError, match="does not fit"):
        series(cloud, "container/instance_count", 0, 600, perSeriesAligner="ALIGN_DELTA")
    with pytest.raises(HttpError, match="at least 60"):
        series(cloud, "request_count", 0, 600, alignmentPeriod="10s")
    with pytest.raises(HttpError, match="start must be before"):
        series(cloud, "request_count", 600, 0)


def query(cloud: Cloud, text: str, **parameters: str) -> list[list[Any]]:
    given = [
        {"name": name, "parameterType": {"type": "TIMESTAMP"}, "parameterValue": {"value": value}}
        for name, value in parameters.items()
    ]
    body = {"query": text, "useLegacySql": False, "parameterMode": "NAMED", "queryParameters": given}
    jobs = cloud.client("bigquery", "v2").jobs()
    answer = jobs.query(projectId="kikitori-local", body=body).execute()
    again = jobs.getQueryResults(projectId="kikitori-local", jobId=answer["jobReference"]["jobId"]).execute()
    assert again.get("rows") == answer.get("rows")
    return [[cell["v"] for cell in row["f"]] for row in answer.get("rows", [])]


def test_the_billing_export_adds_up(cloud: Cloud) -> None:
    rows = query(
        cloud,
        """
        SELECT DATE(usage_start_time) AS day, SUM(cost) AS cost,
               SUM(IFNULL((SELECT SUM(credit.amount) FROM UNNEST(credits) AS credit), 0)) AS credits,
               SUM(IF(sku.description LIKE '%GPU%', usage.amount_in_pricing_units, 0)) AS gpu_s
        FROM `kikitori-local.billing.gcp_billing_export_resource_v1_01AB23_45CD67_89EF01`
        WHERE service.description = 'Cloud Run' AND resource.name = 'speech'
          AND usage_start_time >= @begin AND usage_start_time < TIMESTAMP_ADD(@begin, INTERVAL 1 DAY)
        GROUP BY day ORDER BY day
        """,
        begin="2026-11-23T00:00:00Z",
    )
    [[day, cost, credits, gpu_s]] = rows
    assert day == "2026-11-23"
    assert float(gpu_s) == pytest.approx(3480.1 + 300)
    # CPU and memory of the region, and the GPU of the region whose price is known.
    assert float(cost) == pytest.approx((3480.1 + 300) * (4 * 0.0000216 + 16 * 0.0000024 + 0.0001867))
    assert float(credits) == 0


def test_a_region_without_prices_has_those_of_the_one_that_is_reckoned_with() -> None:
    here = life("speech", Instance(0, asked=NOON, started=NOON, ended=NOON + 10))
    tokyo = replace(here, service=here.service.replace("asia-southeast1", "asia-northeast1"))
    now = NOON + 10
    costs = [sum(row["cost"] for row in rows(Meter([one], now=lambda: now), Project())) for one in (here, tokyo)]
    assert costs[0] > costs[1] > 0, "CPU and memory cost more in asia-southeast1 than where both GPUs are priced"


def test_pages_of_an_answer(cloud: Cloud) -> None:
    jobs = cloud.client("bigquery", "v2").jobs()
    body = {"query": "SELECT n FROM UNNEST([1, 2, 3]) AS n ORDER BY n", "useLegacySql": False, "maxResults": 2}
    first = jobs.query(projectId="kikitori-local", body=body).execute()
    asked = {"projectId": "kikitori-local", "jobId": first["jobReference"]["jobId"]}
    second = jobs.getQueryResults(**asked, pageToken=first["pageToken"]).execute()
    assert [row["f"][0]["v"] for row in first["rows"] + second["rows"]] == ["1", "2", "3"]
    assert first["schema"]["fields"] == [{"name": "n", "type": "INTEGER", "mode": "NULLABLE"}]
    assert "pageToken" not in second
    for wrong in ({"pageToken": "next"}, {"startIndex": "-1"}):
        with pytest.raises(HttpError, match="Invalid page token or start index") as refused:
            jobs.getQueryResults(**asked, **wrong).execute()
        assert refused.value.status_code == 400


def test_a_table_that_is_not_there_and_sql_that_is_none(cloud: Cloud) -> None:
    with pytest.raises(HttpError, match="gcp_billing_export_v1_000000"):
        query(cloud, "SELECT 1 FROM `kikitori-local.billing.gcp_billing_export_v1_000000_000000_000000`")
    with pytest.raises(HttpError, match="Syntax error"):
        query(cloud, "SELECT FROM (")
    with pytest.raises(HttpError, match="not as its type needs it"):
        query(cloud, "SELECT @begin", begin="soon")
