"""Recording with all that belongs to it, and choosing files, in a real browser."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewHouse, NewPage
from tests.e2e.houses import ScriptedHouse
from tests.e2e.microphone import RATE, sound, speech
from tests.e2e.page import (
    elapsed_seconds,
    expect_recorder,
    expect_state,
    heard_seconds,
    newest,
    open_page,
    record,
    recorded_seconds,
    start_recording,
    until_elapsed,
)
from tests.processes import until
from tests.speech import samples_of, wav

_PAUSE_S = 1.2

# Keeps what the browser hands out, so that a test can look at it and take it away.
_WATCH_MICROPHONE = """
const devices = navigator.mediaDevices;
const open = devices.getUserMedia.bind(devices);
window.tracks = [];
devices.getUserMedia = async (wish) => {
  const stream = await open(wish);
  tracks.push(...stream.getTracks());
  return stream;
};
"""


def expect_microphones_off(page: Page) -> None:
    """All that the page ever had are released."""
    assert page.evaluate("tracks.length > 0 && tracks.every((track) => track.readyState === 'ended')")


@pytest.mark.parametrize("control", ["[name=task]:checked", "[data-testid=file]"])
def test_the_key_records_also_from_controls_that_take_no_text(
    new_page: NewPage, house: ScriptedHouse, control: str
) -> None:
    page = open_page(new_page(), house)
    page.locator(control).focus()
    page.keyboard.press("r")
    expect_recorder(page, "recording")
    # Other tasks are locked meanwhile, which does not look like a task that this deployment cannot do.
    expect(page.locator(".task-choice :not(:checked) + span").first).not_to_have_css("border-style", "dashed")
    until_elapsed(page, 1)
    # One card, in which nothing stands twice or empty.
    expect(newest(page).locator(".state:visible")).to_have_count(1)
    expect(newest(page).locator(".item-actions:visible:not(:has(button:visible))")).to_have_count(0)
    page.keyboard.press("r")
    expect_state(page, "done")


def test_a_pause_is_not_recorded(new_page: NewPage, house: ScriptedHouse) -> None:
    page = new_page()
    page.add_init_script(_WATCH_MICROPHONE)
    open_page(page, house)
    began = time.monotonic()
    start_recording(page)
    until_elapsed(page, 1)
    page.get_by_test_id("pause").click()
    expect_recorder(page, "paused")
    assert page.evaluate("tracks[0].enabled") is False
    paused_at = page.get_by_test_id("elapsed").inner_text()
    page.wait_for_timeout(_PAUSE_S * 1000)
    assert page.get_by_test_id("elapsed").inner_text() == paused_at
    page.get_by_role("button", name="Go on recording").click()
    expect_recorder(page, "recording")
    until_elapsed(page, 2)
    page.get_by_test_id("pause").click()
    expect_recorder(page, "paused")
    shown = elapsed_seconds(page)
    page.get_by_test_id("record").click()
    took = time.monotonic() - began
    expect_state(page, "done")
    assert recorded_seconds(page) >= shown
    assert heard_seconds(page) < took - _PAUSE_S
    expect_microphones_off(page)


def test_what_is_discarded_is_sent_nowhere_and_can_be_brought_back(new_page: NewPage, house: ScriptedHouse) -> None:
    page = new_page()
    page.add_init_script(_WATCH_MICROPHONE)
    open_page(page, house)
    start_recording(page)
    until_elapsed(page, 1)
    page.get_by_test_id("discard").click()
    expect(page.get_by_test_id("notice")).to_contain_text("discarded")
    expect(page.get_by_test_id("record")).to_be_focused()
    expect(page.get_by_test_id("recording")).to_have_count(0)
    expect_microphones_off(page)
    page.get_by_role("button", name="Undo").click()
    expect_state(page, "kept")
    page.reload()
    newest(page).get_by_test_id("send").click()
    expect_state(page, "done")
    assert heard_seconds(page) >= 1
    assert len(house.engine.started) == 1


def test_the_chosen_microphone_is_used_and_remembered(new_page: NewPage, house: ScriptedHouse) -> None:
    page = new_page()
    page.add_init_script(_WATCH_MICROPHONE)
    open_page(page, house)
    choice = page.get_by_test_id("microphone")
    choice.select_option(label="Fake Audio Input 2")
    record(page)
    expect_state(page, "done")
    assert page.evaluate("tracks[0].label") == "Fake Audio Input 2"
    page.reload()
    expect(choice.locator("option:checked")).to_have_text("Fake Audio Input 2")
    settings = "{...JSON.parse(localStorage['kikitori.settings']), microphone: 'gone'}"
    page.evaluate(f"localStorage['kikitori.settings'] = JSON.stringify({settings})")
    page.reload()
    expect(choice.locator("option:checked")).to_have_text("One that is not connected")
    start_recording(page)
    expect(page.get_by_test_id("notice")).to_contain_text("is not connected. Recording with")
    until_elapsed(page, 1)
    page.get_by_test_id("discard").click()
    expect_recorder(page, "idle")


def test_one_key_records_and_stops_but_not_in_a_field(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(), house)
    choice = page.get_by_test_id("microphone")
    expect(choice).to_be_visible()
    choice.focus()
    page.keyboard.press("r")
    page.keyboard.press("Control+r")  # which is the browser's
    expect_recorder(page, "idle")
    page.locator("h1").click()
    page.keyboard.press("r")
    expect_recorder(page, "recording")
    until_elapsed(page, 1)
    page.keyboard.press("R")
    expect_state(page, "done")


def test_a_microphone_that_is_pulled_out_loses_nothing(new_page: NewPage, house: ScriptedHouse) -> None:
    page = new_page()
    page.add_init_script(_WATCH_MICROPHONE)
    open_page(page, house)
    start_recording(page)
    until_elapsed(page, 1)
    page.evaluate("tracks[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_test_id("notice")).to_contain_text("microphone went away")
    expect_microphones_off(page)
    expect_state(page, "done")  # it was being sent while it was spoken
    assert heard_seconds(page) >= 1


def test_a_microphone_that_gives_nothing_is_told(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(microphone=wav(np.zeros(RATE // 10, np.float32))), house)
    start_recording(page)
    expect(page.locator(".record-hint")).to_contain_text("No sound arrives")
    page.get_by_test_id("discard").click()
    expect_recorder(page, "idle")


def test_a_full_disk_keeps_what_was_stored(new_page: NewPage, house: ScriptedHouse) -> None:
    house.engine.hold()
    noise = np.random.default_rng(0).standard_normal(60 * RATE).astype(np.float32) * 0.1
    page = new_page(microphone=wav(noise))
    devtools = page.context.new_cdp_session(page)
    # From the beginning: Chromium looks again at how much is left only every half minute.
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": house.page, "quotaSize": 150_000})
    open_page(page, house)
    start_recording(page)
    expect(page.get_by_test_id("notice")).to_contain_text("storage of this browser is full")
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": house.page})
    page.reload()
    newest(page).get_by_test_id("send").click()
    house.engine.allow_everything()
    expect_state(page, "done")
    assert heard_seconds(page) >= 1


def test_several_files_are_kept_and_sent(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.wav", "empty.wav", "two.wav", "three.wav")]
    for seconds, file in enumerate(files):
        file.write_bytes(wav(np.zeros(seconds * RATE, np.float32)) if file.stem != "empty" else b"")
    files[0].write_bytes(wav(np.zeros(RATE // 2, np.float32)))
    page = open_page(new_page(), house)
    page.get_by_test_id("file").set_input_files(files)
    expect(page.get_by_test_id("notice")).to_contain_text("empty.wav: The file is empty")
    expect(page.locator("[data-testid=recording][data-state=done]")).to_have_count(3)
    lengths = sorted(clip.duration for request in house.engine.started for clip in request.clips)
    assert lengths == pytest.approx([0.5, 2, 3])


def test_a_file_too_long_for_a_request_is_cut(new_page: NewPage, new_house: NewHouse, tmp_path: Path) -> None:
    house = new_house(max_audio_s=8)
    house.engine.allow_everything()
    house.start()
    samples, rate = samples_of(sound(speech(), 2.0, speech(), 2.0, speech()))
    file = tmp_path / "long.flac"
    file.write_bytes(wav(samples, rate, form="FLAC"))
    page = open_page(new_page(), house)
    page.get_by_test_id("file").set_input_files(file)
    expect_state(page, "done")
    assert len(house.engine.started) >= 3
    assert all(request.duration <= 8 for request in house.engine.started)


def test_a_file_too_large_for_a_request_is_made_smaller(new_page: NewPage, new_house: NewHouse, tmp_path: Path) -> None:
    house = new_house(max_upload_mb=1)
    house.engine.allow_everything()
    house.start()
    file = tmp_path / "stereo.wav"
    file.write_bytes(wav(np.full((48_000 * 10, 2), 0.25, np.float32), 48_000))
    page = open_page(new_page(), house)
    page.get_by_test_id("file").set_input_files(file)
    expect_state(page, "done")
    expect(newest(page)).to_contain_text("stereo.wav")
    [clip] = house.engine.started[0].clips
    assert clip.duration == pytest.approx(10, abs=0.001)
    assert np.median(clip.samples) == pytest.approx(0.25, abs=0.001)


# Reads chosen files when a test says so.
_HOLD_FILES = """
const read = File.prototype.arrayBuffer;
const allowed = new Promise((allow) => { window.allowReading = allow; });
File.prototype.arrayBuffer = async function () {
  await allowed;
  return read.call(this);
};
"""


def test_each_of_several_files_shows_how_far_it_is(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.wav" for number in range(5)]
    for file in files:
        file.write_bytes(wav(np.zeros(2 * RATE, np.float32)))
    page = new_page()
    page.add_init_script(_HOLD_FILES)
    open_page(page, house)
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 400, "downloadThroughput": 10_000, "uploadThroughput": 10_000}
    network.send("Network.emulateNetworkConditions", slow)
    page.get_by_test_id("file").set_input_files(files)
    expect(page.get_by_test_id("files-reading")).to_have_text("Reading 0.wav… 4 more to come.")
    page.evaluate("allowReading()")
    expect(page.get_by_test_id("recording")).to_have_count(5)
    expect(page.get_by_test_id("files-reading")).to_be_empty()
    cards = page.get_by_test_id("recording")
    until(lambda: "" not in cards.get_by_test_id("progress").all_inner_texts())
    # As many as are sent at once.
    bars = cards.get_by_role("progressbar")
    expect(bars).to_have_count(3)
    until(lambda: all(0 < float(bar.get_attribute("value") or 0) < 1 for bar in bars.all()))
    network.send("Network.emulateNetworkConditions", slow | {"latency": 0, "uploadThroughput": -1})
    expect(page.locator("[data-testid=recording][data-state=done]")).to_have_count(5)
    expect(bars).to_have_count(0)


def test_one_bad_file_does_not_hide_what_is_said_of_another(
    new_page: NewPage, house: ScriptedHouse, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("bad.wav", "empty.wav")]
    files[0].write_text("Dear Sir or Madam")
    files[1].write_bytes(b"")
    page = open_page(new_page(), house)
    page.get_by_test_id("file").set_input_files(files)
    expect(page.locator("[data-topic=sending]")).to_contain_text("could not be decoded")
    expect(page.locator("[data-topic=files]")).to_contain_text("empty.wav: The file is empty")


def test_a_card_says_why_it_waits_also_after_a_reload(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(wav(np.zeros(RATE, np.float32)))
    page = open_page(new_page(), house)
    house.platform.refuse(429, path="/v1/audio", retry_after=3600, readable=True)
    page.get_by_test_id("file").set_input_files(file)
    for _ in range(2):
        expect_state(page, "waiting")
        expect(newest(page).get_by_test_id("failure")).to_contain_text("is busy")
        page.reload()


def test_nothing_else_is_asked_while_recording_nor_of_what_is_gone(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(), house)
    record(page)
    expect_state(page, "done")
    about = page.locator(".task-about")
    first = page.get_by_test_id("recording").last
    first.get_by_test_id("ask").click()
    expect(about).to_be_visible()
    start_recording(page)
    expect(about).to_be_hidden()
    expect(first.get_by_test_id("ask")).to_have_attribute("aria-disabled", "true")
    first.get_by_test_id("ask").click(force=True)
    expect(about).to_be_hidden()
    page.get_by_test_id("discard").click()
    expect_recorder(page, "idle")
    expect(first.get_by_test_id("ask")).to_have_attribute("aria-disabled", "false")
    first.get_by_test_id("ask").click()
    expect(about).to_be_visible()
    newest(page).get_by_test_id("delete").click()
    expect(about).to_be_hidden()
