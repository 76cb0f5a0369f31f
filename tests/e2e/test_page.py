"""Record, speak, read: the page in a real browser, three times against the real Whisper."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsers import KillableChromium
from tests.e2e.conftest import NewHouse, NewPage
from tests.e2e.houses import ScriptedHouse, WhisperHouse
from tests.e2e.microphone import RATE, SPOKEN, speech
from tests.e2e.page import (
    connections,
    expect_recorder,
    expect_state,
    heard_seconds,
    newest,
    open_page,
    record,
    start_recording,
    until_elapsed,
)
from tests.processes import until
from tests.speech import SENTENCES, encode, say, word_error_rate


def expect_transcript(page: Page, spoken: str) -> None:
    """Wait for a transcript that begins with these words, more or less."""
    expect_state(page, "done")
    heard = newest(page).get_by_test_id("text").inner_text().split()
    assert word_error_rate(spoken, " ".join(heard[: len(spoken.split())])) < 0.35, heard


def expect_answer(page: Page, status: str) -> None:
    """Wait until the answer on the stage is that far."""
    expect(page.get_by_test_id("current-answer")).to_have_attribute("data-status", status)


def test_record_speak_read(new_page: NewPage, real_house: WhisperHouse) -> None:
    with real_house.wake() as service:
        page = open_page(new_page(), real_house)
        record(page, len(speech()) // RATE + 1)
        expect_transcript(page, SPOKEN)
        page.reload()
        expect_transcript(page, SPOKEN)
        expect(page.get_by_test_id("recording")).to_have_count(1)
        assert service.logged("POST /v1/audio/transcriptions 200")


def test_a_file_is_read_as_well(new_page: NewPage, real_house: WhisperHouse, tmp_path: Path) -> None:
    file = tmp_path / "speech.webm"
    file.write_bytes(encode(say(SENTENCES[2]), "webm", "libopus", 48_000))
    with real_house.wake():
        page = open_page(new_page(), real_house)
        page.get_by_test_id("file").set_input_files(file)
        expect_transcript(page, SENTENCES[2])


def test_a_service_that_dies_in_the_middle_loses_nothing(
    new_page: NewPage, real_house: WhisperHouse, tmp_path: Path
) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(say(" ".join(SENTENCES * 4)))
    page = open_page(new_page(), real_house)
    with real_house.wake() as service:
        page.get_by_test_id("file").set_input_files(file)
        expect(page.get_by_test_id("transcript")).not_to_be_empty()
        service.process.kill()
        expect_answer(page, "pausing")
    with real_house.wake():
        page.get_by_test_id("answer-now").click()
        expect_transcript(page, SENTENCES[0])


def test_what_is_recorded_is_what_arrives(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(), house)
    began = time.monotonic()
    record(page, 2)
    took = time.monotonic() - began
    expect_state(page, "done")
    assert 2 <= heard_seconds(page) < took
    [question] = house.engine.started
    assert heard_seconds(page) == pytest.approx(question.clips[0].duration, abs=0.005)


def test_an_open_page_asks_nothing_and_holds_nothing(new_page: NewPage, new_house: NewHouse) -> None:
    house = new_house()
    house.engine.allow_everything()
    house.start()
    house.until_ready()  # else the page would follow the rest of the cold start
    page = open_page(new_page(), house)
    page.wait_for_load_state("networkidle")
    assert house.platform.asked == []
    assert connections(house.port) == 0
    record(page)
    expect_state(page, "done")
    until(lambda: connections(house.port) == 0)
    assert house.platform.asked == ["POST /v1/warmup", "POST /v1/audio/transcriptions"]


def test_the_cold_start_passes_while_speaking(new_page: NewPage, new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    page = open_page(new_page(), house)
    start_recording(page)
    phases = page.get_by_test_id("phases")
    expect(phases).to_have_attribute("data-status", "loading")
    expect(phases).to_contain_text("Model")
    house.engine.allow_everything()
    expect(phases).to_have_attribute("data-status", "ready")
    assert house.platform.asked == ["POST /v1/warmup", "GET /v1/warmup/events"]
    expect_recorder(page, "recording")
    until(lambda: connections(house.port) == 0)  # the events have ended with the cold start
    page.get_by_test_id("record").click()
    expect_state(page, "done")


def test_an_answer_is_read_as_it_is_said_and_can_be_given_up(new_page: NewPage, house: ScriptedHouse) -> None:
    house.engine.hold()
    page = open_page(new_page(), house)
    record(page)
    house.engine.step_gate.release()
    expect(page.get_by_test_id("transcript")).to_have_text("heard")
    newest(page).get_by_test_id("cancel").click()
    expect_state(page, "kept")
    until(lambda: house.in_flight() == 0)
    house.engine.step_gate.release()  # the step that was under way
    until(lambda: house.engine.cancelled)


def test_a_file_that_is_no_audio_says_so(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    file = tmp_path / "<b>letter.wav"
    file.write_text("Dear Sir or Madam")
    page = open_page(new_page(), house)
    page.get_by_test_id("file").set_input_files(file)
    expect_state(page, "failed")
    expect(page.get_by_test_id("notice")).to_contain_text("could not be decoded")
    expect(newest(page)).to_contain_text("<b>letter.wav")


def test_a_denied_microphone_says_what_to_do(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(granted=False), house)
    page.get_by_test_id("record").click()
    expect(page.get_by_test_id("notice")).to_contain_text("microphone")
    expect_recorder(page, "idle")
    assert house.platform.asked == []  # a microphone that is not granted wakes nobody
    expect(page.get_by_test_id("recording")).to_have_count(0)


def test_a_recording_outlives_a_dead_service_and_a_reload(new_page: NewPage, new_house: NewHouse) -> None:
    house = new_house()
    page = open_page(new_page(), house)
    record(page)
    expect_answer(page, "pausing")
    page.reload()
    expect_state(page, "waiting")
    expect(page.get_by_test_id("notice")).to_be_visible()
    house.engine.allow_everything()
    house.start()
    newest(page).get_by_test_id("send").click()
    expect_state(page, "done")
    assert heard_seconds(page) >= 1


_LISTEN = """() => {
    const answer = document.querySelector('[data-testid=current-answer]')
    globalThis.told = []
    const listener = new MutationObserver(() => told.push(answer.textContent))
    listener.observe(answer, { subtree: true, childList: true, characterData: true })
}"""
"""Keeps what the page says about an answer: some of it stands there for a second only, until it is tried again."""


def test_a_refusal_that_a_browser_may_not_read_loses_nothing(new_page: NewPage, house: ScriptedHouse) -> None:
    house.platform.refuse(503, path="/v1/audio")
    page = open_page(new_page(), house)
    house.platform.refuse(429, path="/v1/audio", retry_after=77, readable=True)
    house.platform.cut(path="/v1/audio", after=1)
    page.evaluate(_LISTEN)
    record(page)
    expect(page.get_by_test_id("current-answer")).to_contain_text("is busy")  # by itself, after the first try
    page.get_by_test_id("answer-now").click()
    expect_state(page, "done")
    told = page.evaluate("told.join()")
    assert "could not be reached" in told
    assert "connection broke" in told


def test_a_recording_outlives_its_browser(killable: KillableChromium, house: ScriptedHouse) -> None:
    page = open_page(killable.open(), house)
    start_recording(page)
    until_elapsed(page, 3)
    killable.kill()
    asked = list(house.platform.asked)
    page = open_page(killable.open(), house)
    expect_state(page, "waiting")
    assert house.platform.asked == asked
    newest(page).get_by_test_id("send").click()
    expect_state(page, "done")
    assert heard_seconds(page) >= 2


def test_the_page_breaks_none_of_its_own_rules(new_page: NewPage, house: ScriptedHouse) -> None:
    """With the headers of static hosting on, nothing is refused and nothing is written to the console."""
    page = new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_page(page, house)
    record(page)
    expect_state(page, "done")
    newest(page).get_by_test_id("play").click()
    expect(newest(page).locator("audio")).to_be_visible()
    newest(page).get_by_test_id("delete").click()
    expect(page.get_by_test_id("recording")).to_have_count(0)
    assert complaints == []
