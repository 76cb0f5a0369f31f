"""What recordings would cost in a month, and what else one could pay for: a simulation by Cloud Run's rules."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.cost.alternatives import Month, Service, Trace, gpu_engines, months, read_engine
from scripts.cost.catalog import refresh
from scripts.cost.levers import levers
from scripts.cost.prices import free_tier_usd
from scripts.cost.traffic import DAY_S, TrafficError, Visit, read_log, read_traffic

DAYS = 7
"""Simulated, if nothing else is asked for; docs/cost.md has the same."""
_DRAWS = 3
_LOST_SHARE = 0.03
_REFUSALS = {
    429: "found no place in time: raise max_instances",
    503: "lost their instance, which ended",
    504: "took longer than a request may",
}
"""What it means that Cloud Run answers in place of an instance."""


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("traffic", nargs="?", help="a name in scripts/cost/presets, or a file like those")
    given.add_argument(
        "--log", type=Path, metavar="FILE", help="recordings that were: CSV of start,seconds, or JSON log"
    )
    parser.add_argument(
        "--days",
        type=_days,
        help=f"simulated, of described traffic (default: {DAYS}); of a log, how many it is of (default: from its first "
        "midnight to its last, by the clock of its first time, UTC where that names no zone)",
    )
    parser.add_argument("--region", default=Service().region, help="default: %(default)s")
    parser.add_argument("--engine", choices=gpu_engines(), default=Service().engine, help="default: %(default)s")
    parser.add_argument("--levers", action="store_true", help="what each thing that can be turned does, in its place")
    parser.add_argument("--json", action="store_true", help="in place of the table")
    parser.add_argument(
        "--refresh", action="store_true", help="read the prices of instances from Google's catalog first"
    )


def run(options: Namespace) -> str:
    """What the command prints.

    Raises:
        TrafficError: the traffic cannot be read.
        PriceError: a price is not known.
        requests.RequestException, google.auth.exceptions.GoogleAuthError: the catalog cannot be read.
    """
    if options.refresh:
        refresh()
    service = replace(Service(), region=options.region, engine=options.engine)
    traces = [_of_log(options.log, options.days)] if options.log else draws(options.traffic, options.days or DAYS)
    found = list((levers if options.levers else months)(traces, service))
    if options.json:
        return json.dumps({"service": service.region, "months": [month.record() for month in found]}, indent=2)
    basis = read_engine(service.engine)[1]
    lines = [table(found), "", f"- {_subject(options, traces)}", f"- Speed of {service.engine}: {basis}"]
    lines += [f"- {month.name}: {month.note}" for month in found if month is found[0] or month.note != found[0].note]
    free_usd = free_tier_usd(found[0].instance_s, service.machine)
    lines.append(
        f"- Not taken off: the free tier, up to {free_usd:.2f} USD of the first. Left out: network, storage, images, "
        "the page."
    )
    lines += [f"- {line}" for line in _lost(traces, found[0])]
    return "\n".join(lines)


def _subject(options: Namespace, traces: Sequence[Trace]) -> str:
    """What the table is about, and what its ranges are."""
    days = f"{traces[0].days:.0f} day{'' if traces[0].days == 1 else 's'}"
    if options.log:
        return f"Traffic: what {options.log} has, of {days}. In brackets: with 10 minutes of retention to 15."
    return (
        f"Traffic: {options.traffic}. {read_traffic(options.traffic).about} Drawn {_DRAWS} times, {days} each. In "
        "brackets: from the cheapest draw with 10 minutes of retention to the dearest with 15."
    )


def _lost(traces: Sequence[Trace], ours: Month) -> Iterator[str]:
    """What of the traffic is not in the table, or had no answer."""
    lost = sum(trace.lost for trace in traces)
    drawn = sum(len(visit.recordings) for trace in traces for visit in trace.visits)
    if (share := lost / (lost + drawn)) > _LOST_SHARE:
        yield (
            f"Not in it: {share:.0%} of the recordings that are described, for all users were recording already. Give "
            "more users, or fewer recordings."
        )
    for status, requests in sorted(ours.refused.items()):
        yield f"{requests:.1f} requests a month {_REFUSALS[status]} ({ours.name}, status {status})."


def draws(traffic: str, days: int) -> list[Trace]:
    """A described traffic, drawn some times.

    Raises:
        TrafficError: it cannot be read, or nobody recorded anything in so few days.
    """
    described = read_traffic(traffic)
    drawn = []
    for seed in range(1, _DRAWS + 1):
        visits, lost = described.draw(days, seed)
        drawn.append(Trace(visits, days, lost))
    if not any(visit.recordings for trace in drawn for visit in trace.visits):
        raise TrafficError(f"{traffic}: nobody recorded anything in {_DRAWS} times {days} days. Give more days")
    return drawn


def table(months: Sequence[Month]) -> str:
    """Markdown, a row for each."""
    lines = [
        "| | US dollars a month | instance | idle | waking | starts | unused | wait, median | 19 of 20 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in months:
        low, high = one.usd_range
        spread = f" ({low:.2f} to {high:.2f})" if f"{low:.2f}" != f"{high:.2f}" else ""
        waits = [f"{wait:.1f} s" if wait is not None else "" for wait in (one.wait_median_s, one.wait_p95_s)]
        hours = [f"{one.instance_s / 3600:.1f} h", f"{one.idle_share:.0%}", f"{one.waking_share:.1%}"]
        counts = [f"{one.starts:.0f}", f"{one.unused_starts:.0f}"]
        taken = [*hours, *counts] if one.instance_s else [""] * 5
        lines.append(f"| {' | '.join([one.name, f'{one.usd:.2f}{spread}', *taken, *waits])} |")
    return "\n".join(lines)


def _days(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 366):
        raise ArgumentTypeError(f"{text} is no number of days from 1 to 366")
    return int(text)


def _of_log(file: Path, days: int | None) -> Trace:
    """What was, each recording a visit of its own: a log does not say how long a page was open."""
    recordings, counted = read_log(file)
    visits = [Visit(one.start_s, one.end_s, one.user, (one,)) for one in recordings]
    took_s = round(max(visit.end_s for visit in visits) - visits[0].start_s, 3)
    if days and took_s > days * DAY_S:
        raise TrafficError(
            f"{file} is of more than {days} days: give --days {math.ceil(took_s / DAY_S)}, more, or none"
        )
    return Trace(visits, days or counted)
