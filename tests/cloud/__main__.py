"""The whole deployment on this machine: Terraform, the page, and a Cloud Run that starts instances and ends them.

The service is the real one, with the engine whisper, or an image that has it. With --rate the clock of the cloud goes
so much faster while nothing works, so that an idle instance ends sooner. It serves until Ctrl-C; the exit status is 0
then, 1 where Terraform failed, 2 where a port is taken or an option is wrong.
"""

from __future__ import annotations

import argparse
import math
import shutil
import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.local_cloud.call import Project
from tests.local_cloud.cloud_run.container import Program
from tests.local_cloud.cloud_run.meter import Life, Meter
from tests.local_cloud.cloud_run.running import Options
from tests.local_cloud.conftest import PLACE
from tests.local_cloud.running import exports
from tests.processes import is_open
from tests.terraform.runs import real_terraform

from .app import TerraformError
from .house import SERVICE, CloudHouse, Ports, cloud_house

_LOOK_S = 0.2
_Event = tuple[float, str]
"""When, and what."""


def main() -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.cloud", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="of the service, and the next of its newest revision")
    parser.add_argument("--web-port", type=int, default=8080, help="of the page")
    parser.add_argument("--google-port", type=int, default=8085, help="of the local Google")
    parser.add_argument("--rate", type=_above_0, default=1.0, help="of the clock while nothing works")
    parser.add_argument("--provisioning", type=_above_0, metavar="SECONDS", help="default: 7 with a GPU, else 2")
    parser.add_argument("--retention", type=_above_0, metavar="SECONDS", help="default: 600 with a GPU, else 900")
    parser.add_argument("--image", help="run an image of this machine instead of the service's source")
    parser.add_argument("--state", type=Path, default=Path(".cache/cloud"), help="folder of all state")
    parser.add_argument("--no-browser", action="store_true", help="only print the page's address")
    given = parser.parse_args()
    named = {"CLOUD_PORT": given.google_port, "WEB_PORT": given.web_port, "PORT": given.port}
    for name, port in {**named, "PORT + 1": given.port + 1}.items():
        if is_open(port):
            print(f"Port {port} is taken. Choose another: make cloud {name.split()[0]}={port + 10}", file=sys.stderr)
            return 2
    program = Program.of_image(given.image) if given.image else Program()
    options = Options(program, given.provisioning, given.retention, given.rate)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    if not (real_terraform() and (given.state / "terraform/bootstrap/terraform.tfstate").exists()):
        # Without Terraform's own state there is no going on with what the local Google has.
        # Only its own two: whatever else lies in a folder that somebody names stays.
        for made in ("state", "terraform"):
            shutil.rmtree(given.state / made, ignore_errors=True)
    begun = time.monotonic()
    print("Deploying into the local Google ...", flush=True)
    try:
        with cloud_house(
            given.state, Ports(given.google_port, given.web_port, given.port, given.port + 1), options
        ) as house:
            environment = given.state / "environment"
            environment.write_text(exports(house.google.url, house.google.folder, Project()), encoding="utf-8")
            _introduce(house, time.monotonic() - begun, environment, ahead=given.rate != 1)
            if not given.no_browser:
                webbrowser.open(house.page)
            told: set[_Event] = set()
            while not stopped.wait(_LOOK_S):
                _tell(house.run.meter, told)
        _tell(house.run.meter, told)  # what the end has ended
    except TerraformError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _above_0(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")


def _introduce(house: CloudHouse, seconds: float, environment: Path, *, ahead: bool) -> None:
    how = (
        "Terraform and its real provider" if house.terraform.real else "what Terraform plans: its provider is not here"
    )
    print(f"Deployed by {how}, in {seconds:.0f} s.\n")
    print(f"  The page           {house.page}\n  The service        {house.run.address(SERVICE)}/v1")
    print(f"  The local Google   {house.google.url}\n  What instances say {house.google.folder / 'instances'}\n")
    measure = f"make cost-measure DAYS={7 if ahead else 1} SERVICE={PLACE}/services/{SERVICE}"
    if ahead:  # today, and days to which a fast clock comes soon
        measure += f" UNTIL={datetime.now(UTC) + timedelta(days=6):%Y-%m-%dT%H:%M}"
    print(f"  In another window, what it did cost:\n  . {environment}; {measure}\n")
    print("  Ctrl-C ends all.\n", flush=True)


def _tell(meter: Meter, told: set[_Event]) -> None:
    """Say what has become of the instances since, and add it to what was told."""
    news = {event for life in list(meter.lives) for event in _events(life)} - told
    for at, what in sorted(news):
        print(f"{datetime.fromtimestamp(at):%H:%M:%S}  {what}", flush=True)
    told |= news


def _events(life: Life) -> Iterator[_Event]:
    one, name = life.instance, f"{life.revision.name}, instance {life.instance.number}"
    happened = [
        (one.asked, "is asked for: its machine takes a while"),
        (one.started, "starts: from here on it costs"),
        (one.ready, "answers"),
        (one.stopping, "was idle for too long, and is told to end"),
        (one.ended, f"is gone: {one.billable_s(one.ended or 0):.1f} s are billed"),
    ]
    yield from ((at, f"{name} {what}") for at, what in happened if at is not None)


if __name__ == "__main__":
    sys.exit(main())
