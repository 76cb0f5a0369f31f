"""Writes docs/cost.md and its pictures from the simulation; with --check, says whether they are up to date."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.cost.alternatives import Month, Service, Trace, months, read_engine
from scripts.cost.estimate import DAYS, draws
from scripts.cost.levers import levers
from scripts.cost.picture import Curves, draw_money, draw_waits
from scripts.cost.prices import free_tier_usd, instance_price
from scripts.cost.traffic import read_traffic

_ROOT = Path(__file__).parents[2]
_DOCS = _ROOT / "docs"
_OPEN_PAGE = _ROOT / "bench" / "results"
_TYPICAL = "small-team"
_RATES = (1, 3, 10, 30, 100, 300)
_PRESETS = ("one-person", "small-team", "event")
_HEAD = """\
<!-- Made by scripts/cost/page.py; `make format` renews it. -->

# What it costs

**While nobody speaks, nothing.
{answer}

US dollars a month, reckoned by simulation; nothing here was billed by Google yet. The wait, from the press on stop to
the full text, is what 19 of 20 recordings stay below.

"""
_PICTURES = """\
![US dollars a month against recordings a day](cost-money.svg)

![Wait for the text against the length of the cold start](cost-wait.svg)

An instance that nobody needs any more is kept for up to 10 minutes (Google's general text says 15), and that idle tail
is {idle:.0%} of the bill of a small team: answering is cheap, waiting for the next question is not. So the money
grows with the times at which somebody speaks and not with what is said, until the tails touch. Bought by the
minute, transcription alone is cheaper at any rate that is drawn here; that is the price of a model of your own, which
also describes sounds and answers questions, and of sound that stays in your project.

"""
_LEVERS = """\
## What can be turned

A small team, one thing changed at a time.

"""
_AFTER_LEVERS = """\

- **Waking as a recording starts** costs the warm-ups of what is thrown away, and saves the wait.
- **IDLE_EXIT_S is an experiment, off by default.** The service then ends itself, with status 0, after so many seconds
  without a request, and the instance is no longer billed. Google documents no promise of what Cloud Run makes of
  that; that an instance ends itself was tried in the local Cloud Run alone.
  `settings = { KIKITORI_IDLE_EXIT_S = "60" }` in `terraform/app` turns it on.
- Weights in fewer bits save seconds of waiting and no money, because the tail is as long.

"""
_OPEN = """\
## A page that is only open

Left open for an hour in Chromium {chromium}, whose clock was run ahead (`make open-page`; no test runs it): what
it asked of the instance, and how long an instance lives for that, by the same rules. Gradio {gradio} and Streamlit
{streamlit} serve Whisper. Cloud Run ends a request at its timeout, after an hour at most; then it counts whether the
page asks again.

| | instance | requests to open it | in the hour after | held | asks again |
|---|---:|---:|---:|---:|---|
"""
_BASIS = """\

## What it is reckoned from

- **Traffic**: the files in `scripts/cost/presets/`.
- **Rules**: `scripts/cost/scaling.py`, Cloud Run's as Google documents them. For three traces of requests the estimate
  is within 2 % of what the local Cloud Run meters of real processes.
- **Range**: from the cheapest of three draws with 10 minutes of retention to the dearest with 15.
- **Region**: asia-southeast1. The GPU's price there is not known here, and that of us-central1 stands for it. CPU and
  memory cost 1.2 times as much there as in us-central1; if the GPU does too, its ways here cost {dearer:.0%} more.
- **Free tier**: not taken off; up to {free:.2f} a month, if nothing else of the billing account uses it.
- **Left out**: network, storage, images, logs, the page itself.
"""
_FOOT = """\

## Your own figures

```sh
make cost-estimate TRAFFIC=small-team          # or a file like those in scripts/cost/presets
make cost-estimate TRAFFIC=small-team LEVERS=1 # what each thing that can be turned does
make cost-estimate LOG=recordings.csv          # start,seconds; or the service's JSON log
make cost-estimate REFRESH=1                   # prices from Google's catalog first
make open-page                                 # the hour again
```

A log is of the days from the midnight before its first time to the one after its last, by the clock of the first (UTC
where that names no zone), unless DAYS says of how many it is.

What a deployment did cost: `make cost-measure`, see [operations](operations.md#what-it-costs).
"""
_OURS = "Kikitori"


def page() -> str:
    """The whole page."""
    service = Service()
    traces = {name: draws(name, DAYS) for name in _PRESETS}
    columns = {name: list(months(some, service)) for name, some in traces.items()}
    ours = columns[_TYPICAL][0]
    turned = list(levers(traces[_TYPICAL], service))
    return (
        _HEAD.format(answer=_answer(columns))
        + _table(columns)
        + "".join(f"\n`{name}`: {read_traffic(name).about}" for name in columns)
        + "\n\n"
        + _PICTURES.format(idle=ours.idle_share)
        + _LEVERS
        + _lever_table(turned)
        + _AFTER_LEVERS
        + _open_page()
        + _basis(columns, ours, service)
        + _FOOT
    )


def _answer(columns: dict[str, list[Month]]) -> str:
    spoken = {name: column[0].usd for name, column in columns.items()}
    always = columns[_TYPICAL][1].usd
    return textwrap.fill(
        f"One person who dictates six notes a working day: about {spoken['one-person']:.0f} dollars a month. A team of "
        f"eight with eighty: about {spoken['small-team']:.0f}. The same GPU always on: {always:.0f}.**",
        118,
    )


def _table(columns: dict[str, list[Month]]) -> str:
    lines = [f"| | {' | '.join(f'{name} | wait' for name in columns)} |", f"|---|{'---:|---:|' * len(columns)}"]
    for rows in zip(*columns.values(), strict=True):
        cells = [cell for row in rows for cell in (_money(row), _wait(row.wait_p95_s))]
        name = f"**{rows[0].name}**" if rows[0].name == _OURS else rows[0].name
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _money(month: Month) -> str:
    low, high = (_dollars(usd) for usd in month.usd_range)
    return low if low == high else f"{low} to {high}"


def _dollars(usd: float) -> str:
    return f"{usd:.0f}" if usd >= 10 else f"{usd:.2f}"


def _wait(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"


def _lever_table(turned: Sequence[Month]) -> str:
    lines = ["| | a month | idle | cold starts | wait, median | 19 of 20 |", "|---|---:|---:|---:|---:|---:|"]
    for one in turned:
        cells = [
            _money(one),
            f"{one.idle_share:.0%}",
            f"{one.starts:.0f}",
            _wait(one.wait_median_s),
            _wait(one.wait_p95_s),
        ]
        lines.append(f"| {one.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _open_page() -> str:
    newest: dict[str, Any] = json.loads(sorted(_OPEN_PAGE.glob("*-open-page.json"))[-1].read_text(encoding="utf-8"))
    text = _OPEN.format(**newest["versions"])
    for name, figure in newest["figures"].items():
        title = name.removeprefix("open_hour_").removesuffix("_instance_s").replace("_", " ").capitalize()
        parts = figure["parts"]
        again = ("yes" if parts["held_again_after_a_drop"] else "no") if parts["held_after_the_hour"] else ""
        counts = (parts["requests_to_open"], parts["requests_in_the_hour"], parts["held_after_the_hour"])
        text += f"| {title} | {figure['value']:.0f} s | {' | '.join(f'{count:.0f}' for count in counts)} | {again} |\n"
    return text


def _basis(columns: dict[str, list[Month]], ours: Month, service: Service) -> str:
    free = free_tier_usd(ours.instance_s, service.machine)
    _, basis = read_engine(service.engine)
    here, reference = (instance_price(region, service.machine).usd for region in (service.region, "us-central1"))
    lines = [
        _BASIS.format(free=free, dearer=1.2 * reference / here - 1),
        _bullet(f"- **Speed** of {service.engine}: {basis}"),
    ]
    seen: set[str] = set()
    for month in columns[_TYPICAL]:
        if month.note not in seen:
            seen.add(month.note)
            lines.append(_bullet(f"- **{month.name}**: {month.note}"))
    return "".join(lines)


def _bullet(text: str) -> str:
    return textwrap.fill(text, 118, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) + "\n"


def _curves() -> Curves:
    """Dollars a month of each way, by recordings a day."""
    habits = read_traffic(_TYPICAL)
    curves: Curves = {}
    for rate in _RATES:
        trace = Trace(habits.at_rate(rate).visits(DAYS), DAYS)
        for month in months([trace], Service()):
            curves.setdefault(month.name, []).append((rate, month.usd))
    return curves


def main(arguments: Sequence[str]) -> int:
    """Write page and pictures, or compare them."""
    made = {
        "cost.md": page(),
        "cost-money.svg": draw_money(_curves()),
        "cost-wait.svg": draw_waits(Service()),
    }
    if "--check" in arguments:
        stale = [name for name, text in made.items() if (_DOCS / name).read_text(encoding="utf-8") != text]
        if stale:
            print(f"{', '.join(stale)} is not what scripts/cost makes now: make format", file=sys.stderr)
        return int(bool(stale))
    for name, text in made.items():
        (_DOCS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
