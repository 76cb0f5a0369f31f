"""Lets the page stand open, and then record, for minutes: `make soak`, with SOAK_MINUTES=minutes of recording.

The exit status is 1 where the open page asked for anything or held a connection, or where the memory of the page grew
from the first minute of the recording to its end, or the recording was not whole.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

from tests.e2e.browsers import Chromium
from tests.e2e.houses import ScriptedHouse, scripted_house
from tests.e2e.microphone import RATE, sound, speech
from tests.e2e.page import connections, expect_state, heard_seconds, open_page, start_recording, until_elapsed

_MOST_GROWTH = 30e6
"""Bytes from the first minute of a recording to its end."""
_IDLE_SHARE = 0.1
"""Minutes that the page stands open before, for each minute of recording."""
_SPOKEN_SHARE = 0.9
"""Of the recording; the pauses that are not sent are shorter than the rest."""


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="of recording (default: 30)")
    minutes = parser.parse_args().minutes
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder, scripted_house() as house:
        house.engine.allow_everything()
        house.start()
        chromium = Chromium(playwright, Path(folder))
        page = open_page(chromium.new_page(microphone=_talk(minutes)), house)
        problems = [*_idle(page, house, minutes * 60 * _IDLE_SHARE), *_record(page, house, round(minutes * 60))]
        chromium.close()
    print(*(problems or ["nothing was wrong"]), sep="\n")
    return 1 if problems else 0


def _idle(page: Page, house: ScriptedHouse, seconds: float) -> list[str]:
    """What an open page does while nobody does anything."""
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    held = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        held = max(held, connections(house.port))
        page.wait_for_timeout(500)
    print(f"open for {seconds:.0f} s: {len(asked)} requests, {held} connections to the service", flush=True)
    return [f"the open page asked for {url}" for url in asked] + ["it held a connection"] * (held > 0)


def _record(page: Page, house: ScriptedHouse, seconds: int) -> list[str]:
    """What a long recording, sent while it is spoken, costs the browser."""
    start_recording(page)
    until_elapsed(page, 60)
    early = _memory(page)
    until_elapsed(page, seconds)
    late = _memory(page)
    page.get_by_test_id("record").click()
    expect_state(page, "done")
    heard, parts = heard_seconds(page), len(house.engine.started)
    print(f"recorded {seconds} s and sent {heard:.0f} s of it in {parts} parts")
    for what, before, after in zip(("the page", "the browser"), early, late, strict=True):
        print(f"memory of {what}: {before / 1e6:.1f} MB after a minute, {after / 1e6:.1f} MB at the end", flush=True)
    problems = []
    if late[0] - early[0] > _MOST_GROWTH:
        problems.append(f"the page's memory grew by {(late[0] - early[0]) / 1e6:.1f} MB")
    if heard < seconds * _SPOKEN_SHARE:
        problems.append(f"only {heard:.0f} s were sent")
    return problems


def _memory(page: Page) -> tuple[int, int]:
    """Bytes of the page's process, and of all of the browser's, after a collection of garbage.

    Pages that processes share count in parts: whether another process shares them just now would else show.
    """
    page.context.new_cdp_session(page).send("HeapProfiler.collectGarbage")
    browser = page.context.browser
    assert browser
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = {(one["type"], one["id"]): psutil.Process(one["id"]).memory_full_info().pss for one in processes}
    return sum(size for (kind, _), size in sizes.items() if kind == "renderer"), sum(sizes.values())


def _talk(minutes: float) -> bytes:
    """A sentence again and again, with a pause after each, for longer than that."""
    sentence, pause = speech(), 0.7
    times = round(minutes * 60 * 1.1 / (len(sentence) / RATE + pause))
    return sound(*(piece for _ in range(times) for piece in (sentence, pause)))


if __name__ == "__main__":
    sys.exit(main())
