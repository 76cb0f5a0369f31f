"""Says in Markdown what is not as it should be: what Terraform would change, and an instance that idles.

Writes an empty file when all is well. The exit status is 0 in both cases, 1 when it could not be found out, 2 when the
command is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import requests
from google.auth.exceptions import GoogleAuthError

from scripts.app import App
from scripts.metrics import measured
from scripts.plan import changes, deployed_image
from scripts.programs import ProgramError

_STEP = timedelta(minutes=5)
_DAY = timedelta(days=1)
_LONGEST_IDLE = timedelta(minutes=30)
"""Google keeps an instance for up to 15 minutes after its last request; measured in steps, that may look like 25."""


def longest_idle(instances: Mapping[datetime, float], requested: Collection[datetime]) -> timedelta:
    """The longest time that an instance was there and nobody asked.

    Args:
        instances: how many there were in each step, by its end; a step without any may be missing.
        requested: ends of the steps with requests.
    """
    longest = idle = timedelta()
    last: datetime | None = None
    for step, count in sorted(instances.items()):
        idles = count > 0 and step not in requested
        follows = last is not None and step - last == _STEP
        idle = (idle if follows else timedelta()) + _STEP if idles else timedelta()
        longest, last = max(longest, idle), step
    return longest


def drift(app: App) -> str:
    """The report; empty when all is well."""
    parts = []
    changed = list(changes(app.plan(deployed_image(app))))
    if changed:
        parts.append(
            "Terraform would change what is deployed. Somebody changed it by hand, or a deploy was taken back; the "
            "next deploy makes it as it is declared.\n\n" + "\n".join(changed)
        )
    service = app.outputs()["service"]
    instances = measured(service, "container/instance_count", _DAY, _STEP, "ALIGN_MAX")
    asked = measured(service, "request_count", _DAY, _STEP, "ALIGN_DELTA")
    idle = longest_idle(instances, {step for step, count in asked.items() if count > 0})
    if idle > _LONGEST_IDLE:
        parts.append(
            f"The service did not scale back to zero: for {idle} within the last day an instance was billed and nobody "
            "called. Look for min_instances above 0, and for streams that are left open."
        )
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.drift", description=__doc__)
    parser.add_argument("--state", required=True, metavar="BUCKET", help="bucket of Terraform's state")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="where to write")
    options = parser.parse_args(arguments)
    app = App(options.state)
    try:
        app.begin()
        report = drift(app)
    except (ProgramError, LookupError, requests.RequestException, GoogleAuthError) as error:
        print(error, file=sys.stderr)
        return 1
    print(report or "All is as declared, and the service scales to zero.")
    options.to.parent.mkdir(parents=True, exist_ok=True)
    options.to.write_text(report, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
