"""What Cloud Monitoring measured of the service (https://cloud.google.com/monitoring/api/metrics_gcp_p_z, run)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.google import get


def measured(
    service: str,
    metric: str,
    past: timedelta,
    step: timedelta,
    aligner: str,
    *,
    until: datetime | None = None,
    where: str = "",
) -> dict[datetime, float]:
    """A metric over all revisions: the sum in each step that has a value, by the step's end.

    Args:
        service: projects/PROJECT/locations/REGION/services/NAME.
        metric: such as container/instance_count; of a distribution all its values are summed.
        past: before the end.
        step: of what is summed.
        aligner: what becomes of the values of a step, such as ALIGN_MAX.
        until: the end; None is now.
        where: a further condition, such as metric.labels.state="idle".

    Raises:
        requests.RequestException, google.auth.exceptions.GoogleAuthError: Google refuses.
    """
    _, project, _, region, _, name = service.split("/")
    end = until or datetime.now(UTC)
    asked = {
        "filter": f'metric.type="run.googleapis.com/{metric}" AND resource.type="cloud_run_revision"'
        f' AND resource.labels.service_name="{name}" AND resource.labels.location="{region}"'
        + (f" AND {where}" if where else ""),
        "interval.startTime": (end - past).isoformat(),
        "interval.endTime": end.isoformat(),
        "aggregation.alignmentPeriod": f"{step.total_seconds():.0f}s",
        "aggregation.perSeriesAligner": aligner,
        "aggregation.crossSeriesReducer": "REDUCE_SUM",
    }
    values: dict[datetime, float] = {}
    token = None
    while token != "":
        page = get("monitoring", f"v3/projects/{project}/timeSeries", **asked, pageToken=token)
        for series in page.get("timeSeries", []):
            for point in series["points"]:
                ended = datetime.fromisoformat(point["interval"]["endTime"])
                values[ended] = values.get(ended, 0.0) + _number(point["value"])
        token = page.get("nextPageToken", "")
    return values


def _number(value: dict[str, Any]) -> float:
    if told := value.get("distributionValue"):
        return int(told.get("count", 0)) * float(told.get("mean", 0))
    return float(value.get("doubleValue", value.get("int64Value", 0)))
