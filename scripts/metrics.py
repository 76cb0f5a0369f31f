"""What Cloud Monitoring measured of the service (https://cloud.google.com/monitoring/api/metrics_gcp_p_z, run)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from scripts.google import get


def measured(service: str, metric: str, past: timedelta, step: timedelta, aligner: str) -> dict[datetime, float]:
    """A metric over all revisions: the sum in each step that has a value, by the step's end.

    Args:
        service: projects/PROJECT/locations/REGION/services/NAME.
        metric: such as container/instance_count.
        past: until now.
        step: of what is summed.
        aligner: what becomes of the values of a step, such as ALIGN_MAX.

    Raises:
        requests.RequestException, google.auth.exceptions.GoogleAuthError: Google refuses.
    """
    _, project, _, region, _, name = service.split("/")
    now = datetime.now(UTC)
    asked = {
        "filter": f'metric.type="run.googleapis.com/{metric}" AND resource.type="cloud_run_revision"'
        f' AND resource.labels.service_name="{name}" AND resource.labels.location="{region}"',
        "interval.startTime": (now - past).isoformat(),
        "interval.endTime": now.isoformat(),
        "aggregation.alignmentPeriod": f"{step.total_seconds():.0f}s",
        "aggregation.perSeriesAligner": aligner,
        "aggregation.crossSeriesReducer": "REDUCE_SUM",
    }
    found = get("monitoring", f"v3/projects/{project}/timeSeries", **asked).get("timeSeries", [])
    return {
        datetime.fromisoformat(point["interval"]["endTime"]): _number(point["value"])
        for series in found
        for point in series["points"]
    }


def _number(value: dict[str, str | float]) -> float:
    return float(value.get("doubleValue", value.get("int64Value", 0)))
