"""What a cold start costs a person: a recording that starts its instance on the local Cloud Run, and one that finds it.

Instance, page, deployment and the rules in between are those of `make cloud`; the machine takes as long to come as
brings the cold start to `_COLD_START_S`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import monotonic

from playwright.sync_api import sync_playwright

from bench.figures import Figure
from bench.scale import Scale
from bench.waiting import STOP_AND_WAIT, talk
from tests.cloud.house import CloudHouse, Ports, cloud_house
from tests.e2e.browsers import Chromium
from tests.e2e.page import start_recording, until_elapsed
from tests.local_cloud.cloud_run.running import Options
from tests.processes import running_service, until

_COLD_START_S = 19.0
_SPOKEN_S = 20
_MOST_ROUNDS = 3
_MOST_OVER_WARM_S = 1.0


def measure(scale: Scale, _cache: Path) -> list[Figure]:
    """Speak for 20 s to a page whose service sleeps, and at once again; with Whisper, so not where there is a GPU."""
    if scale.name == "gpu":
        return []
    cold: list[float] = []
    warm: list[float] = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = Chromium(playwright, Path(folder))
        options = Options(provisioning_s=_COLD_START_S - _start_s(Path(folder)))
        with cloud_house(Path(folder) / "cloud", Ports(), options) as house:
            until(lambda: house.run.revisions[-1].ready)
            for _ in range(min(scale.rounds, _MOST_ROUNDS)):
                house.run.leap(3600)
                cold.append(_wait(chromium, house))
                warm.append(_wait(chromium, house))
            started = [life.instance for life in house.run.meter.lives[1:]]
            reached = [one.ready - one.asked for one in started if one.ready]
        chromium.close()
    over = [one - other for one, other in zip(cold, warm, strict=True)]
    parts = {"cold_s": median(cold), "warm_s": median(warm), "asked_to_reached_s": median(reached)}
    return [Figure("cold_over_warm_s", over, at_most=_MOST_OVER_WARM_S, parts={**parts, "cold_start_s": _COLD_START_S})]


def _start_s(folder: Path) -> float:
    """From the start of the service's process to a model that answers."""
    began = monotonic()
    with running_service(folder) as service:
        service.until_ready()
        return monotonic() - began


def _wait(chromium: Chromium, house: CloudHouse) -> float:
    """From stop to the full text, seconds."""
    microphone, _ = talk(_SPOKEN_S)
    page = chromium.new_page(microphone)
    page.goto(house.page)
    start_recording(page)
    until_elapsed(page, _SPOKEN_S)
    seconds: float = page.evaluate(STOP_AND_WAIT)
    chromium.close_pages()
    return seconds
