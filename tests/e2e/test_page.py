"""Record, speak, read: the page in a real browser against the real service."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import psutil
from playwright.sync_api import BrowserContext, Locator, Page
from playwright.sync_api import expect as _expect

from tests.e2e.conftest import SPOKEN, House
from tests.processes import until
from tests.speech import SENTENCES, encode, samples_of, say, word_error_rate

Browser = Callable[..., BrowserContext]

_SAMPLES, _RATE = samples_of(say(SPOKEN))
SPEECH_S = len(_SAMPLES) / _RATE


def open_page(browser: BrowserContext, house: House) -> Page:
    page = browser.pages[0]
    page.goto(house.page)
    expect_attribute(page.get_by_test_id("record"), "data-state", "idle")
    return page


def expect_attribute(element: Locator, name: str, value: str) -> None:
    _expect(element).to_have_attribute(name, value, timeout=60_000)


def start_recording(page: Page) -> None:
    page.get_by_test_id("record").click()
    expect_attribute(page.get_by_test_id("record"), "data-state", "recording")


def speak(page: Page) -> None:
    """Record the speech that the microphone repeats, once whole at least."""
    start_recording(page)
    elapsed = page.get_by_test_id("elapsed")
    until(lambda: seconds(elapsed.inner_text()) >= 2 * SPEECH_S)
    page.get_by_test_id("record").click()


def seconds(clock: str) -> int:
    found = re.search(r"(\d+):(\d\d)", clock)
    assert found
    return int(found[1]) * 60 + int(found[2])


def newest(page: Page) -> Locator:
    return page.get_by_test_id("recording").first


def expect_state(page: Page, state: str) -> None:
    expect_attribute(newest(page), "data-state", state)


def expect_transcript(page: Page, spoken: str) -> None:
    expect_state(page, "done")
    heard = newest(page).get_by_test_id("text").inner_text().split()
    # The microphone repeats its file without a pause: a recording begins and ends within the sentence.
    count = len(spoken.split())
    rates = [word_error_rate(spoken, " ".join(heard[at : at + count])) for at in range(len(heard))]
    assert min(rates, default=1) < 0.35, heard


def requests_to(page: Page, origin: str) -> list[str]:
    """Collect the paths that the page asks of an origin from now on."""
    asked: list[str] = []

    def note(url: str) -> None:
        if url.startswith(origin):
            asked.append(url.removeprefix(origin))

    page.on("request", lambda request: note(request.url))
    return asked


def connections(port: int) -> int:
    """Connections that somebody holds open to a port."""
    return sum(
        one.status == psutil.CONN_ESTABLISHED and one.raddr[1:] == (port,) for one in psutil.net_connections("tcp")
    )


def test_record_speak_read(open_browser: Browser, awake: House) -> None:
    page = open_page(open_browser(), awake)
    asked = requests_to(page, awake.service)
    speak(page)
    expect_transcript(page, SPOKEN)
    assert asked == ["/v1/warmup", "/v1/audio/transcriptions"]
    page.reload()
    expect_transcript(page, SPOKEN)
    assert page.get_by_test_id("recording").count() == 1


def test_an_open_page_asks_nothing_and_holds_nothing(open_browser: Browser, awake: House) -> None:
    browser = open_browser()
    asked = requests_to(browser.pages[0], awake.service)
    page = open_page(browser, awake)
    page.wait_for_load_state("networkidle")
    assert asked == []
    assert connections(awake.port) == 0
    speak(page)
    expect_transcript(page, SPOKEN)
    asked.clear()
    until(lambda: connections(awake.port) == 0)
    assert asked == []
    assert connections(awake.port) == 0


def test_the_cold_start_passes_while_speaking(open_browser: Browser, house: House) -> None:
    with house.wake():
        page = open_page(open_browser(), house)
        asked = requests_to(page, house.service)
        start_recording(page)
        phases = page.get_by_test_id("phases")
        expect_attribute(phases, "data-status", "ready")
        assert asked[0] == "/v1/warmup"
        assert set(asked) <= {"/v1/warmup", "/v1/warmup/events"}
        expect_attribute(page.get_by_test_id("record"), "data-state", "recording")
        until(lambda: connections(house.port) == 0)  # the events have ended with the cold start
        page.get_by_test_id("record").click()
        expect_state(page, "done")


def test_a_file_is_read_as_well(open_browser: Browser, awake: House, tmp_path: Path) -> None:
    file = tmp_path / "speech.webm"
    file.write_bytes(encode(say(SENTENCES[2]), "webm", "libopus", 48_000))
    page = open_page(open_browser(), awake)
    page.get_by_test_id("file").set_input_files(file)
    expect_transcript(page, SENTENCES[2])


def test_a_file_that_is_no_audio_says_so(open_browser: Browser, awake: House, tmp_path: Path) -> None:
    file = tmp_path / "<b>letter.wav"
    file.write_text("Dear Sir or Madam")
    page = open_page(open_browser(), awake)
    page.get_by_test_id("file").set_input_files(file)
    expect_state(page, "failed")
    _expect(page.get_by_test_id("notice")).to_contain_text("could not be decoded")
    _expect(newest(page)).to_contain_text("<b>letter.wav")


def test_a_denied_microphone_says_what_to_do(open_browser: Browser, house: House) -> None:
    page = open_page(open_browser(granted=False), house)
    asked = requests_to(page, house.service)
    page.get_by_test_id("record").click()
    _expect(page.get_by_test_id("notice")).to_contain_text("microphone", timeout=60_000)
    expect_attribute(page.get_by_test_id("record"), "data-state", "idle")
    assert asked == []  # a microphone that is not granted wakes nobody
    assert page.get_by_test_id("recording").count() == 0


def test_a_recording_outlives_a_dead_service_and_a_reload(open_browser: Browser, house: House) -> None:
    page = open_page(open_browser(), house)
    speak(page)
    expect_state(page, "failed")
    _expect(page.get_by_test_id("notice")).to_be_visible()
    page.reload()
    expect_attribute(page.get_by_test_id("record"), "data-state", "idle")
    with house.wake() as service:
        service.until_ready()
        newest(page).get_by_test_id("send").click()
        expect_transcript(page, SPOKEN)


def test_a_recording_outlives_its_browser(open_browser: Browser, awake: House) -> None:
    browser = open_browser()
    page = open_page(browser, awake)
    start_recording(page)
    elapsed = page.get_by_test_id("elapsed")
    until(lambda: seconds(elapsed.inner_text()) >= 2 * SPEECH_S)
    for process in psutil.process_iter(["cmdline"]):
        if f"--user-data-dir={awake.folder / 'profile'}" in (process.info["cmdline"] or []):
            process.kill()
    page = open_page(open_browser(), awake)
    expect_state(page, "kept")
    newest(page).get_by_test_id("send").click()
    expect_transcript(page, SPOKEN)


def test_a_service_that_dies_in_the_middle_loses_nothing(open_browser: Browser, house: House, tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(say(" ".join(SENTENCES * 6)))
    page = open_page(open_browser(), house)
    with house.wake() as service:
        service.until_ready()
        page.get_by_test_id("file").set_input_files(file)
        _expect(page.get_by_test_id("transcript")).not_to_be_empty(timeout=60_000)
        service.process.kill()
        expect_state(page, "failed")
    with house.wake() as service:
        service.until_ready()
        newest(page).get_by_test_id("send").click()
        expect_transcript(page, SENTENCES[2])


def test_the_page_breaks_none_of_its_own_rules(open_browser: Browser, awake: House) -> None:
    """With the headers of static hosting on, nothing is refused and nothing is written to the console."""
    browser = open_browser()
    complaints: list[str] = []
    browser.pages[0].on("console", lambda message: complaints.append(message.text))
    browser.pages[0].on("pageerror", lambda error: complaints.append(str(error)))
    page = open_page(browser, awake)
    speak(page)
    expect_transcript(page, SPOKEN)
    newest(page).get_by_test_id("play").click()
    _expect(newest(page).locator("audio")).to_be_visible()
    newest(page).get_by_test_id("delete").click()
    assert complaints == []
