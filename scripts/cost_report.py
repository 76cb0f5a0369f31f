"""What the service's instances cost in the last seven days: the time that Cloud Run billed, times the price.

Cloud Monitoring measures the time; the price is the one that Terraform reckons with (modules/gpu-service/regions.json,
or `price`). It is an estimate: the free tier and discounts are not taken off, and what is not instance time is left out
(network, storage, images and their scans, the page). The invoice is right. The exit status is 0 when it was written, 1
when it could not be found out, 2 when the command is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import requests
from google.auth.exceptions import GoogleAuthError

from scripts.app import App
from scripts.metrics import measured
from scripts.programs import ProgramError

_LEFT_OUT = (
    "Reckoned from the instance time that Cloud Run billed. Not taken off: free tier and discounts. Left out: network, "
    "storage, images and their scans, the page. The invoice is right."
)


def markdown(billed: Mapping[datetime, float], usd_per_s: float | None, note: str) -> str:
    """The report.

    Args:
        billed: seconds of each day, by its end.
        usd_per_s: of an instance; None where it is not known.
        note: what the price is from, or why there is none.
    """
    lines = ["| day until (UTC) | instance time | US dollars |", "|---|---:|---:|"]
    for day, seconds in [*sorted(billed.items()), (None, sum(billed.values()))]:
        cost = "not known" if usd_per_s is None else f"{seconds * usd_per_s:.2f}"
        lines.append(
            f"| {day:%Y-%m-%d %H:%M} | {seconds:.0f} s | {cost} |" if day else f"| **all** | {seconds:.0f} s | {cost} |"
        )
    return "\n".join([*lines, "", _LEFT_OUT, "", note, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.cost_report", description=__doc__)
    parser.add_argument("--state", required=True, metavar="BUCKET", help="bucket of Terraform's state")
    options = parser.parse_args(arguments)
    app = App(options.state)
    try:
        app.begin()
        outputs = app.outputs()
        if not outputs:
            print("Nothing is deployed yet.", file=sys.stderr)
            return 1
        billed = measured(
            outputs["service"], "container/billable_instance_time", timedelta(days=7), timedelta(days=1), "ALIGN_DELTA"
        )
    except (ProgramError, requests.RequestException, GoogleAuthError) as error:
        print(error, file=sys.stderr)
        return 1
    price = outputs["environment"].get("KIKITORI_PRICE_USD_PER_S")
    report = markdown(billed, float(price) if price else None, outputs["cost_note"])
    print(report)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
