"""Asking and sending: the tasks, answers as they come, and every way in which the service may not be there."""

from __future__ import annotations

from pathlib import Path

import pytest
from kikitori.engines.protocol import Description, Task
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import NewHouse, NewPage
from tests.e2e.houses import ScriptedHouse
from tests.e2e.microphone import sound, speech
from tests.e2e.page import expect_recorder, expect_state, newest, open_page, start_recording
from tests.processes import until

_KEY = "a-key-that-is-long-enough-for-everybody"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A file with a second of speech."""
    file = tmp_path / "clip.wav"
    file.write_bytes(sound(speech()[:16_000]))
    return file


def answer(page: Page) -> Locator:
    """The answer on the stage."""
    return page.get_by_test_id("current-answer")


def send(page: Page, clip: Path) -> None:
    """Choose a file, which is sent at once."""
    page.get_by_test_id("file").set_input_files(clip)


def expect_status(page: Page, status: str) -> None:
    """Wait until the answer on the stage is there."""
    expect(answer(page)).to_have_attribute("data-status", status)


def test_each_task_is_asked_in_its_words(new_page: NewPage, house: ScriptedHouse, clip: Path) -> None:
    page = open_page(new_page(), house)
    words = page.get_by_test_id("words")
    for task, asked in (("Describe sounds", "Describe the sounds."), ("Summarize", "Summarize the speech.")):
        page.get_by_role("radio", name=task).check(force=True)
        expect(words).to_have_value(asked)
        send(page, clip)
        expect(page.get_by_test_id("transcript")).to_contain_text(asked)
        expect_status(page, "done")
    page.get_by_role("radio", name="Translate").check(force=True)
    page.get_by_test_id("target").select_option("ja")
    expect(words).to_have_value("Translate the speech into Japanese.")
    words.fill("<b>Say</b> it in Kansai dialect.")
    send(page, clip)
    expect(page.get_by_test_id("transcript")).to_contain_text("<b>Say</b> it in Kansai dialect.")
    expect(answer(page)).to_contain_text("Translation into Japanese")
    assert [request.task for request in house.engine.started] == [Task.CHAT] * 3


def test_what_the_model_cannot_do_is_off_and_says_why(new_page: NewPage, new_house: NewHouse) -> None:
    whisper = Description(
        engine="whisper",
        model="tiny",
        aliases=(),
        tasks=(Task.TRANSCRIBE, Task.TRANSLATE),
        languages=None,
        on_gpu=False,
        prompts={},
    )
    page = open_page(new_page(), new_house(description=whisper))
    for name in ("Describe sounds", "Summarize", "Ask"):
        off = page.get_by_role("radio", name=name)
        expect(off).to_be_disabled()
        expect(off).to_have_accessible_description("What is gray, the model of this deployment cannot do.")
    page.get_by_role("radio", name="Translate").check(force=True)
    expect(page.get_by_test_id("words")).to_be_hidden()
    assert page.get_by_test_id("target").locator("option:enabled").all_inner_texts() == ["English"]


def test_speech_is_sent_while_it_goes_on(new_page: NewPage, house: ScriptedHouse) -> None:
    first, second = speech(), speech("The train leaves at nine.")
    page = open_page(new_page(microphone=sound(first, 2.0, second, 2.0)), house)
    start_recording(page)
    until(lambda: len(house.engine.started) == 2)  # with nobody having pressed anything
    expect_recorder(page, "recording")
    page.get_by_test_id("record").click()
    expect_state(page, "done")
    heard = [clip.duration for request in house.engine.started for clip in request.clips]
    assert len(heard) == 2  # after the end there was only silence
    for seconds, spoken in zip(heard, (first, second), strict=True):
        assert len(spoken) / 16_000 <= seconds + 0.1 <= len(spoken) / 16_000 + 1
    text = " ".join(f"heard {seconds:.2f}s of sound" for seconds in heard)
    expect(newest(page).get_by_test_id("text")).to_have_text(text)


def test_another_question_about_the_same_recording(new_page: NewPage, house: ScriptedHouse, clip: Path) -> None:
    page = open_page(new_page(), house)
    send(page, clip)
    expect_status(page, "done")
    newest(page).get_by_test_id("ask").click()
    page.get_by_role("radio", name="Summarize").check(force=True)
    page.get_by_test_id("ask-now").click()
    expect(newest(page).get_by_test_id("answer")).to_have_count(2)
    expect_state(page, "done")
    assert [request.task for request in house.engine.started] == [Task.TRANSCRIBE, Task.CHAT]


def test_words_come_one_by_one_and_cancel_reaches_the_engine(
    new_page: NewPage, house: ScriptedHouse, clip: Path
) -> None:
    house.engine.hold()
    page = open_page(new_page(), house)
    page.get_by_role("radio", name="Ask").check(force=True)
    page.get_by_test_id("words").fill(" ".join(["Why?"] * 400))
    send(page, clip)
    text = page.get_by_test_id("transcript")
    house.engine.step_gate.release(6)
    expect(text).to_contain_text("Why?")
    before = text.inner_text()
    house.engine.step_gate.release()
    expect(text).to_have_text(f"{before} Why?")
    expect_status(page, "writing")
    page.get_by_test_id("answer-cancel").click()
    expect(answer(page)).to_be_hidden()

    def step_and_look() -> bool:
        house.engine.step_gate.release()
        return bool(house.engine.cancelled)

    until(step_and_look)
    [run] = house.engine.cancelled
    assert run.words


def test_what_passes_is_tried_again_by_a_clock(new_page: NewPage, house: ScriptedHouse, clip: Path) -> None:
    page = new_page()
    page.clock.install(time="2030-01-01T00:00:00")
    open_page(page, house)
    page.clock.pause_at("2030-01-01T01:00:00")  # from now on time passes when the test says so
    house.platform.refuse(503, path="/v1/audio")
    house.platform.refuse(429, path="/v1/audio", retry_after=40, readable=True)
    send(page, clip)
    expect_status(page, "pausing")
    expect(answer(page)).to_contain_text("could not be reached")
    page.get_by_test_id("answer-now").click()
    expect(answer(page)).to_contain_text("The service is busy.")
    expect(answer(page)).to_contain_text("Trying again in")
    page.clock.fast_forward(41_000)
    expect_status(page, "done")
    assert house.platform.asked.count("POST /v1/audio/transcriptions") == 3


def test_offline_it_waits_for_the_network(new_page: NewPage, house: ScriptedHouse, clip: Path) -> None:
    page = open_page(new_page(), house)
    page.context.set_offline(True)
    send(page, clip)
    expect_status(page, "waiting")
    expect(page.get_by_test_id("notice")).to_contain_text("You are offline.")
    assert house.platform.asked == []
    page.context.set_offline(False)
    expect_status(page, "done")


def test_a_recording_begun_offline_is_sent_when_the_network_is_back(new_page: NewPage, house: ScriptedHouse) -> None:
    first, second = speech(), speech("The train leaves at nine.")
    page = open_page(new_page(microphone=sound(first, 2.0, second, 2.0)), house)
    page.context.set_offline(True)
    start_recording(page)
    expect(answer(page)).to_contain_text("You are offline.")
    expect_status(page, "pausing")
    page.context.set_offline(False)
    until(lambda: house.engine.started)
    expect_recorder(page, "recording")
    page.get_by_test_id("record").click()
    expect_state(page, "done")


def test_who_gives_up_what_is_sent_while_speaking_is_offered_to_send_it_later(
    new_page: NewPage, house: ScriptedHouse
) -> None:
    house.engine.hold()
    page = open_page(new_page(microphone=sound(speech(), 2.0)), house)
    start_recording(page)
    until(lambda: house.engine.started)
    page.get_by_test_id("answer-cancel").click()
    expect(answer(page)).to_be_hidden()
    house.engine.allow_everything()
    page.get_by_test_id("record").click()
    notice = page.get_by_test_id("notice")
    expect(notice).to_contain_text("The recording is kept here.")
    notice.get_by_role("button", name="Send").click()
    expect_state(page, "done")


def test_what_a_task_cannot_take_wakes_nobody_and_says_how_much_it_takes(
    new_page: NewPage, new_house: NewHouse, tmp_path: Path
) -> None:
    house = new_house(max_upload_mb=0.5)
    file = tmp_path / "long.wav"
    file.write_bytes(sound(speech(), 12.0))
    page = open_page(new_page(), house)
    page.get_by_role("radio", name="Summarize").check(force=True)
    send(page, file)
    notice = page.get_by_test_id("notice")
    expect(notice).to_contain_text("larger than the service takes. This task takes about 0:11 at once.")
    expect(notice.get_by_role("button", name="Send again")).to_have_count(0)
    assert house.platform.asked == []


def test_a_slow_network_shows_how_far_the_upload_is(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(sound(*[speech()] * 3))
    page = open_page(new_page(), house)
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 400, "downloadThroughput": 10_000, "uploadThroughput": 10_000}
    network.send("Network.emulateNetworkConditions", slow)
    send(page, file)
    expect_status(page, "uploading")
    bar = answer(page).get_by_role("progressbar")
    until(lambda: 0 < float(bar.get_attribute("value") or 0) < 1)
    network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    expect_status(page, "done")
    assert house.platform.asked.count("POST /v1/audio/transcriptions") == 1


def test_a_key_that_is_missing_wakes_nobody(new_page: NewPage, new_house: NewHouse, clip: Path) -> None:
    house = new_house(auth="api-key", api_keys=(_KEY,))
    house.engine.allow_everything()
    house.start()
    page = open_page(new_page(), house)
    send(page, clip)
    expect(page.get_by_test_id("notice")).to_contain_text("wants a key")
    assert house.platform.asked == []
    for key, told in (("wrong", "did not accept the key"), (_KEY, None)):
        page.get_by_role("button", name="Enter the key").click()
        page.get_by_test_id("api-key").fill(key)
        page.get_by_test_id("api-key").press("Enter")  # closes the settings, and sends what waits
        if told:
            expect(page.get_by_test_id("notice")).to_contain_text(told)
    expect_status(page, "done")
