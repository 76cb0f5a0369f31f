"""What a service's instances did, day by day, as Google measured, logged and billed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from scripts.cost.billing_export import Billed, billed_hours
from scripts.cost.request_log import Logged, logged_requests
from scripts.metrics import measured

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """24 hours; seconds and US dollars."""

    end: datetime
    instance_s: float
    """Billed."""
    idle_s: float
    """Of these, without a request; by a look each minute."""
    starting_s: float
    """Of these, until the port was open. The model loads after that, while somebody waits for it."""
    instances: int
    """Those that had their first request then."""
    unused: int
    """Of these, woken and never asked."""
    requests: int
    answers: int
    usd: float | None
    """The instance time at the price of the deployment; None where that is not known."""
    billed: float | None
    """What Google billed, credits taken off, in the currency of the account; None without an export."""

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"end": self.end.isoformat()}


def measured_days(
    service: str, end: datetime, days: int, usd_per_s: float | None, export: str | None
) -> tuple[list[Day], str]:
    """Days before a time, the oldest first; and the currency in which Google billed, empty if nothing was.

    Args:
        service: projects/PROJECT/locations/REGION/services/NAME.
        end: of the last day.
        days: how many.
        usd_per_s: of an instance.
        export: table of the detailed billing export.

    Raises:
        ProgramError: that is no such table.
        requests.RequestException, google.auth.exceptions.GoogleAuthError: Google refuses.
    """
    begin = end - days * DAY

    def by_day(metric: str, aligner: str, where: str = "") -> Mapping[datetime, float]:
        return measured(service, metric, days * DAY, DAY, aligner, until=end, where=where)

    billable = by_day("container/billable_instance_time", "ALIGN_DELTA")
    starting_ms = by_day("container/startup_latencies", "ALIGN_DELTA")
    states = {
        state: by_day("container/instance_count", "ALIGN_SUM", f'metric.labels.state="{state}"')
        for state in ("idle", "active")
    }
    logged = list(logged_requests(service, begin, end))
    hours = list(billed_hours(export, service, begin, end)) if export else []
    made = []
    for number in range(days):
        day_end = begin + (number + 1) * DAY
        seen = sum(state.get(day_end, 0.0) for state in states.values())
        instance_s = billable.get(day_end, 0.0)
        instances = _first_asked(logged, day_end - DAY, day_end)
        here = [one for one in logged if day_end - DAY <= one.time < day_end]
        made.append(
            Day(
                end=day_end,
                instance_s=instance_s,
                idle_s=instance_s * states["idle"].get(day_end, 0.0) / seen if seen else 0.0,
                starting_s=starting_ms.get(day_end, 0.0) / 1000,
                instances=len(instances),
                unused=len(instances - {one.instance for one in logged if one.answer}),
                requests=len(here),
                answers=sum(one.answer for one in here),
                usd=None if usd_per_s is None else instance_s * usd_per_s,
                billed=_billed(hours, day_end - DAY, day_end) if export else None,
            )
        )
    currencies = {hour.currency for hour in hours}
    return made, " and ".join(sorted(currencies))


def _first_asked(logged: Sequence[Logged], begin: datetime, end: datetime) -> set[str]:
    first: dict[str, datetime] = {}
    for one in logged:
        first.setdefault(one.instance, one.time)
    return {instance for instance, time in first.items() if instance and begin <= time < end}


def _billed(hours: Iterable[Billed], begin: datetime, end: datetime) -> float:
    return sum(hour.cost for hour in hours if begin <= hour.begin < end)
