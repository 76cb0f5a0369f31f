"""What a person does and sees on the page."""

from __future__ import annotations

import re

import psutil
from playwright.sync_api import Locator, Page, expect

from tests.e2e.houses import House
from tests.processes import PATIENCE_S, until


def open_page(page: Page, house: House) -> Page:
    """Go there, and wait until it can record."""
    page.goto(house.page)
    expect(page.get_by_test_id("record")).to_be_enabled()
    return page


def expect_recorder(page: Page, state: str) -> None:
    """Wait until the recorder is idle, starting, recording or stopping."""
    expect(page.get_by_test_id("record")).to_have_attribute("data-state", state)


def start_recording(page: Page) -> None:
    """Press record, and wait for the microphone."""
    page.get_by_test_id("record").click()
    expect_recorder(page, "recording")


def record(page: Page, seconds: int = 1) -> None:
    """Record so many seconds and at most a little more."""
    start_recording(page)
    until_elapsed(page, seconds)
    page.get_by_test_id("record").click()


def until_elapsed(page: Page, seconds: int) -> None:
    """Wait until the recording in progress has that length."""
    until(lambda: elapsed_seconds(page) >= seconds, PATIENCE_S + seconds)


def elapsed_seconds(page: Page) -> int:
    """Whole seconds of the recording in progress."""
    return _seconds(page.get_by_test_id("elapsed"))


def recorded_seconds(page: Page) -> int:
    """Whole seconds of the newest recording, silence and all."""
    return _seconds(newest(page).locator(".item-length"))


def _seconds(clock: Locator) -> int:
    found = re.search(r"(\d+):(\d\d)", clock.inner_text())
    assert found
    return int(found[1]) * 60 + int(found[2])


def newest(page: Page) -> Locator:
    """The first recording of the history."""
    return page.get_by_test_id("recording").first


def expect_state(page: Page, state: str) -> None:
    """Wait until the newest recording is recording, kept, waiting, sending, done or failed."""
    expect(newest(page)).to_have_attribute("data-state", state)


def heard_seconds(page: Page) -> float:
    """Length of all clips that a scripted engine has found in the newest recording, seconds: silence is not sent."""
    text = newest(page).get_by_test_id("text").inner_text()
    return sum(float(length) for length in re.findall(r"(\d+\.\d\d)s", text))


def connections(port: int) -> int:
    """Connections that somebody holds open to a port."""
    return sum(
        one.status == psutil.CONN_ESTABLISHED and one.raddr[1:] == (port,) for one in psutil.net_connections("tcp")
    )
