"""What the deployed service did cost, day by day, as Google measured and billed it."""

from __future__ import annotations

import json
import math
import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from scripts import google
from scripts.app import App
from scripts.cost.alternatives import MONTH_S, Service, months
from scripts.cost.estimate import draws
from scripts.cost.measurement import DAY, Day, measured_days
from scripts.cost.picture import draw_days
from scripts.programs import ProgramError

_LEFT_OUT = (
    "Reckoned from the instance time that Cloud Run billed. Not taken off: free tier and discounts. Left out: network, "
    "storage, images and their scans, the page. The invoice is right."
)
_CLOUD_RUN_SINCE = 2019
_LOG_KEPT = 30 * DAY
_LOG_ENDS = (
    "Cloud Logging keeps what was asked for 30 days, unless it was told to keep it longer: instances, requests and "
    "answers of earlier days count what is left. Times and money are whole."
)
_ESTIMATED_DAYS = 28
_SERVICE_FORM = "projects/PROJECT/locations/REGION/services/NAME"
_PRICE = "KIKITORI_PRICE_USD_PER_S"
_Deployed = tuple[str, str | None, str]
"""A service, the price of its second in US dollars where it is known, and what is to be said of that."""


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--state", metavar="BUCKET", help="bucket of Terraform's state, which names the service")
    which.add_argument("--service", type=_service, metavar="NAME", help=_SERVICE_FORM)
    parser.add_argument(
        "--days", type=int, default=7, choices=range(1, 43), metavar="DAYS", help="default: %(default)s"
    )
    parser.add_argument("--until", type=_utc, metavar="TIME", help="end of the last day; default: now")
    parser.add_argument("--export", metavar="TABLE", help="PROJECT.DATASET.gcp_billing_export_resource_v1_ACCOUNT")
    parser.add_argument("--traffic", help="what was expected, as in `estimate`")
    parser.add_argument("--budget", type=_usd_above_0, metavar="USD", help="US dollars, of a month")
    parser.add_argument("--json", action="store_true", help="in place of the table")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a picture (SVG) of the days too")


def run(options: Namespace) -> str:
    """What the command prints; also the summary of a job on GitHub.

    Raises:
        ProgramError: nothing is deployed, or Terraform fails.
        TrafficError: the expected traffic cannot be read.
        requests.RequestException, google.auth.exceptions.GoogleAuthError: Google refuses.
    """
    service, price, note = _of_service(options.service) if options.service else _of_state(options.state)
    now = datetime.now(UTC)
    end = options.until or now
    days, currency = measured_days(service, end, options.days, float(price) if price else None, options.export)
    if options.plot:
        options.plot.write_text(draw_days(days), encoding="utf-8")
    expected_s = _expected_s(options.traffic, service.split("/")[3], len(days)) if options.traffic else None
    if options.json:
        record = {"service": service, "currency": currency, "expected_s": expected_s, "budget_usd": options.budget}
        return json.dumps(record | {"days": [day.record() for day in days]}, indent=2)
    report = "\n".join(
        [
            table(days, currency),
            "",
            *(f"- {line}" for line in comparisons(days, currency, expected_s, options.budget)),
            *([f"- {_LOG_ENDS}"] if now - (end - options.days * DAY) > _LOG_KEPT else []),
            f"- {_LEFT_OUT}",
            f"- {note}",
        ]
    )
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(report + "\n")
    return report


def _of_state(bucket: str) -> _Deployed:
    app = App(bucket)
    app.begin()
    outputs = app.outputs()
    if not outputs:
        raise ProgramError("Nothing is deployed yet.")
    return outputs["service"], outputs["environment"].get(_PRICE), outputs["cost_note"]


def _of_service(service: str) -> _Deployed:
    variables = google.get("run", f"v2/{service}")["template"]["containers"][0].get("env", [])
    price = next((one.get("value") for one in variables if one["name"] == _PRICE), None)
    if price:
        return service, price, f"A second costs {price} US dollars, by the service's {_PRICE}."
    return service, None, f"The service does not know what a second costs: it was deployed without {_PRICE}."


def table(days: Sequence[Day], currency: str) -> str:
    """Markdown, a row for each day and one for all of them."""
    billed = f" billed, {currency or 'currency'} |" if days[0].billed is not None else ""
    lines = [
        "| day until (UTC) | instance time | idle | starting | instances | unused | requests | answers | US dollars "
        f"| for an answer |{billed}",
        f"|---|{'---:|' * (9 + bool(billed))}",
    ]
    lines += [_row(f"{day.end:%Y-%m-%d %H:%M}", [day]) for day in days]
    return "\n".join([*lines, _row("**all**", days)])


def _row(name: str, days: Sequence[Day]) -> str:
    seconds = sum(day.instance_s for day in days)
    answers = sum(day.answers for day in days)
    usd = _usd(days)
    cells = [
        name,
        f"{seconds:.0f} s",
        _share(sum(day.idle_s for day in days), seconds),
        _share(sum(day.starting_s for day in days), seconds),
        *(
            str(sum(counts))
            for counts in zip(*((d.instances, d.unused, d.requests, d.answers) for d in days), strict=True)
        ),
        "not known" if usd is None else f"{usd:.2f}",
        "" if usd is None or not answers else f"{usd / answers:.4f}",
    ]
    if days[0].billed is not None:
        cells.append(f"{sum(day.billed or 0.0 for day in days):.2f}")
    return f"| {' | '.join(cells)} |"


def comparisons(
    days: Sequence[Day], currency: str, expected_s: float | None, budget_usd: float | None
) -> Iterator[str]:
    """The days beside what was expected of them, and a month like them beside its budget.

    It is reckoned from the price of a second or, where that is not known, from what Google billed.
    """
    seconds, usd, billed = sum(day.instance_s for day in days), _usd(days), sum(day.billed or 0.0 for day in days)
    per_month = MONTH_S / (len(days) * DAY.total_seconds())
    if expected_s:
        yield f"Expected: {expected_s:.0f} s of instance time; it was {seconds / expected_s:.0%} of that."
    amount, unit, by = (usd, "USD", "") if usd is not None else (billed, currency, " by what Google billed")
    of_budget = ""
    if budget_usd and unit == "USD":
        of_budget = f", {amount * per_month / budget_usd:.0%} of the budget of {budget_usd:.2f}"
    if re.fullmatch(r"[A-Z]{3}", unit):
        yield f"A month of such days{by}: {amount * per_month:.2f} {unit}{of_budget}."
    if budget_usd and not of_budget:
        was = f"Google billed in {unit}" if unit else "there is no bill of these days (--export)"
        yield f"Not compared with the budget of {budget_usd:.2f} USD: the price of a second is not known, and {was}."


def _service(text: str) -> str:
    if not re.fullmatch(r"projects/[^/]+/locations/[^/]+/services/[^/]+", text):
        raise ArgumentTypeError(f"{text} is not {_SERVICE_FORM}")
    return text


def _utc(text: str) -> datetime:
    """A time, in UTC where it names no zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no time such as 2026-11-23T12:00:00") from None
    if not _CLOUD_RUN_SINCE <= time.year < 3000:
        raise ArgumentTypeError(f"{text} is no time at which Cloud Run was there")
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _usd_above_0(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = 0.0
    if not 0 < amount < math.inf:
        raise ArgumentTypeError(f"{text} is no amount above 0")
    return amount


def _usd(days: Sequence[Day]) -> float | None:
    known = [day.usd for day in days if day.usd is not None]
    return sum(known) if len(known) == len(days) else None


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else ""


def _expected_s(traffic: str, region: str, days: int) -> float:
    expected = next(iter(months(draws(traffic, _ESTIMATED_DAYS), Service(region=region))))
    return expected.instance_s * days * DAY.total_seconds() / MONTH_S
