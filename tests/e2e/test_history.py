"""The history of the page: to read, correct, search, save, carry elsewhere and delete."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from kikitori.api.transcripts import Transcript
from kikitori.engines.protocol import Segment
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import NewHouse, NewPage
from tests.e2e.houses import ScriptedHouse
from tests.e2e.microphone import RATE, sound, speech
from tests.e2e.page import expect_recorder, expect_state, newest, open_page
from tests.processes import until

FIXTURE = Path(__file__).parents[2] / "web/src/history/subtitles.fixture.json"
TRANSCRIBE = {"task": "transcribe", "language": None, "words": None}
SUMMARIZE = {"task": "summarize", "language": None, "words": "In <b>one</b> sentence"}
SEGMENTS = [{"start": 0, "end": 1.25, "text": "Hello & welcome."}, {"start": 1.25, "end": 2, "text": "Goodbye."}]
USAGE = {"audioSeconds": 2, "gpuSeconds": 0.8, "usd": {"answer": 0.0007, "waking": 0.0101, "idle": 0}}


def recording(name: str | None, number: int, **changes: Any) -> dict[str, Any]:
    """As in an archive."""
    made = {"id": f"r{number}", "createdAt": 1_795_000_000_000 + number, "name": name, "sound": "pcm", "seconds": 1.0}
    return made | {"state": "kept", "file": f"audio/r{number}.wav"} | changes


def answer(number: int, text: str, **changes: Any) -> dict[str, Any]:
    """As in an archive: the transcript of a recording."""
    given = {"recording": f"r{number}", "key": "", "prompt": TRANSCRIBE, "createdAt": 1, "state": "done", "text": text}
    others: dict[str, Any] = {
        "edited": None,
        "partial": "",
        "segments": None,
        "noSpeech": False,
        "notes": [],
        "usage": None,
    }
    return given | others | {"failure": None} | changes


def archive(folder: Path, recordings: list[dict[str, Any]], answers: list[dict[str, Any]]) -> Path:
    """Write one that holds a second of speech for each recording."""
    file = folder / "history.zip"
    with zipfile.ZipFile(file, "w") as packing:
        index = {"format": "kikitori", "version": 1, "recordings": recordings, "answers": answers}
        packing.writestr("history.json", json.dumps(index))
        for one in recordings:
            packing.writestr(one["file"], sound(speech()[:RATE]))
    return file


def three_recordings(folder: Path) -> Path:
    """The newest has two answers, one of them with times."""
    first = recording("Monday <i>meeting</i>", 3)
    answers = [
        answer(3, "Hello & welcome. Goodbye.", segments=SEGMENTS, usage=USAGE),
        answer(3, "They greet.", prompt=SUMMARIZE, createdAt=2, notes=["by_transcript"]),
        answer(2, "ｶﾞｷﾞ"),
    ]
    return archive(folder, [first, recording("Second", 2), recording(None, 1)], answers)


def import_archive(page: Page, file: Path) -> None:
    """Choose it, and wait for the page's word on it."""
    page.get_by_test_id("import-file").set_input_files(file)
    expect(page.get_by_test_id("notice")).to_be_visible()


def download(page: Page, press: Callable[[], None]) -> tuple[str, bytes]:
    """Name and content of the file that comes of it."""
    with page.expect_download() as coming:
        press()
    return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()


def answers_of(item: Locator) -> Locator:
    """All answers of a recording."""
    return item.get_by_test_id("answer")


def test_subtitles_of_the_page_are_those_of_the_service() -> None:
    fixture = json.loads(FIXTURE.read_text())
    segments = [Segment(**segment) for segment in fixture["segments"]]
    transcript = Transcript("", segments, language=None, duration=0, no_speech=False)
    assert (fixture["srt"], fixture["vtt"]) == (transcript.srt(), transcript.vtt())


def test_what_is_corrected_stays_corrected(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    page = open_page(new_page(), house)
    import_archive(page, three_recordings(tmp_path))
    first = newest(page)
    expect(first.get_by_test_id("name")).to_have_text("Monday <i>meeting</i>")
    transcript, summary = answers_of(first).all()
    expect(summary).to_contain_text("“In <b>one</b> sentence”")
    expect(summary).to_contain_text("made from its transcript")
    expect(transcript.get_by_test_id("cost")).to_have_text("GPU 0.8 sec · $0.011, of which $0.01 for waking and idling")

    transcript.get_by_test_id("edit").click()
    transcript.get_by_test_id("edit-field").fill("not this")
    page.keyboard.press("Escape")
    expect(transcript.get_by_test_id("text")).to_have_text("Hello & welcome. Goodbye.")
    page.keyboard.press("Enter")  # the focus is where it was
    transcript.get_by_test_id("edit-field").fill("Hello <b>and</b> welcome.")
    transcript.get_by_test_id("save-edit").click()
    first.get_by_test_id("rename").click()
    first.get_by_test_id("name-field").fill("Tuesday")
    page.keyboard.press("Enter")
    expect(first.get_by_test_id("name")).to_have_text("Tuesday")

    page.reload()
    expect(first.get_by_test_id("name")).to_have_text("Tuesday")
    expect(transcript.get_by_test_id("text")).to_have_text("Hello <b>and</b> welcome.")
    expect(transcript).to_contain_text("Edited")
    transcript.get_by_test_id("revert").click()
    expect(transcript.get_by_test_id("text")).to_have_text("Hello & welcome. Goodbye.")


def test_search_finds_names_and_texts(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    page = open_page(new_page(), house)
    import_archive(page, three_recordings(tmp_path))
    shown = page.locator("[data-testid=recording]:visible")
    expect(shown).to_have_count(3)
    for words, count in {"ガギ": 1, "second": 1, "greet hello": 1, "nowhere": 0}.items():
        page.get_by_test_id("search").fill(words)
        expect(shown).to_have_count(count)
    expect(page.get_by_test_id("found")).to_have_text("Nothing found.")
    page.get_by_test_id("search").fill("")
    expect(shown).to_have_count(3)


def test_every_format_can_be_opened_elsewhere(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    page = open_page(new_page(), house)
    import_archive(page, three_recordings(tmp_path))
    transcript = answers_of(newest(page)).first
    transcript.get_by_test_id("save-as").click()
    files = dict(
        download(page, transcript.locator(f"[data-format={kind}]").click) for kind in ("txt", "srt", "vtt", "json")
    )
    name = "Monday i meeting i"
    assert files[f"{name}.txt"].decode() == "Hello & welcome. Goodbye.\n"
    assert b"00:00:01,250 --> 00:00:02,000\nGoodbye." in files[f"{name}.srt"]
    assert b"Hello &amp; welcome." in files[f"{name}.vtt"]
    assert json.loads(files[f"{name}.json"])["segments"] == SEGMENTS
    saved, wav = download(page, newest(page).get_by_test_id("save-sound").click)
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
    kept, _ = soundfile.read(io.BytesIO(sound(speech()[:RATE])), dtype="int16")
    assert (saved, rate, samples.tolist()) == (f"{name}.wav", RATE, kept.tolist())
    transcript.get_by_test_id("edit").click()
    transcript.get_by_test_id("edit-field").fill("Mine")
    transcript.get_by_test_id("save-edit").click()
    expect(transcript.locator("[data-format=srt]")).to_be_disabled()


def test_a_history_moves_to_another_browser(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    page = open_page(new_page(), house)
    import_archive(page, three_recordings(tmp_path))
    name, content = download(page, page.get_by_test_id("export-all").click)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        assert sorted(packed.namelist()) == ["audio/r1.wav", "audio/r2.wav", "audio/r3.wav", "history.json"]
    moved = tmp_path / name
    moved.write_bytes(content)

    page.get_by_test_id("delete-all").click()
    page.get_by_role("button", name="Keep them").click()
    expect(page.get_by_test_id("recording")).to_have_count(3)
    page.get_by_test_id("delete-all").click()
    page.get_by_test_id("delete-all-yes").click()
    expect(page.get_by_test_id("recording")).to_have_count(0)
    page.reload()
    expect_recorder(page, "idle")
    expect(page.get_by_test_id("recording")).to_have_count(0)

    import_archive(page, moved)
    expect(page.get_by_test_id("recording")).to_have_count(3)
    expect(answers_of(newest(page))).to_have_count(2)
    import_archive(page, moved)
    expect(page.get_by_test_id("notice")).to_contain_text("3 were here already")
    expect(page.get_by_test_id("recording")).to_have_count(3)
    moved.write_bytes(content[:-100])
    page.get_by_test_id("import-file").set_input_files(moved)
    expect(page.get_by_test_id("notice")).to_contain_text("not a file that")
    assert house.platform.asked == []


_WATCH_CARDS = """() => {
    globalThis.touched = new Set()
    new MutationObserver((changes) => {
        for (const { target } of changes) {
            const card = (target.parentElement ?? target).closest('[data-testid=recording]')
            if (card) touched.add(card.dataset.id)
        }
    }).observe(document.querySelector('.history-list'), {
        subtree: true, childList: true, characterData: true, attributes: true
    })
}"""
"""Notes the recordings whose cards are written to."""


def test_a_card_is_written_only_when_it_changes(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    """A long history would take minutes to import otherwise."""
    page = open_page(new_page(), house)
    import_archive(page, three_recordings(tmp_path))
    expect(page.get_by_test_id("recording")).to_have_count(3)
    page.evaluate(_WATCH_CARDS)
    import_archive(page, archive(tmp_path, [recording(None, number) for number in range(11, 21)], []))
    expect(page.get_by_test_id("recording")).to_have_count(13)
    assert not {"r1", "r2", "r3"} & set(page.evaluate("[...touched]"))
    assert page.evaluate("document.querySelectorAll('[data-testid=recording] form').length") == 0
    page.evaluate("touched.clear()")
    newest(page).get_by_test_id("rename").click()
    newest(page).get_by_test_id("name-field").fill("Named")
    page.keyboard.press("Enter")
    expect(newest(page).get_by_test_id("name")).to_have_text("Named")
    assert page.evaluate("[...touched]") == ["r20"]


def test_a_page_that_gets_narrow_does_not_scroll_sideways(
    new_page: NewPage, house: ScriptedHouse, tmp_path: Path
) -> None:
    page = open_page(new_page(viewport={"width": 1280, "height": 900}), house)
    import_archive(page, archive(tmp_path, [recording(None, number) for number in range(1, 13)], []))
    expect(page.get_by_test_id("recording")).to_have_count(12)
    newest(page).scroll_into_view_if_needed()
    page.set_viewport_size({"width": 375, "height": 800})
    page.evaluate("scrollTo(0, 0)")
    until(lambda: page.evaluate("document.documentElement.scrollWidth") == 375)


def test_what_waits_is_sent_when_asked(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    page = open_page(new_page(), house)
    waiting = [answer(number, "", state="waiting") for number in (1, 2)]
    import_archive(page, archive(tmp_path, [recording("b", 2), recording("a", 1)], waiting))
    expect_state(page, "waiting")
    expect(page.get_by_test_id("waiting")).to_contain_text("2 wait to be sent.")
    assert house.platform.asked == []
    page.get_by_test_id("send-waiting").click()
    for item in page.get_by_test_id("recording").all():
        expect(item.get_by_test_id("text")).to_contain_text("1.00s")
    expect(page.get_by_test_id("waiting")).to_be_hidden()


def test_a_deleted_recording_comes_back(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    page = open_page(new_page(), house)
    import_archive(page, three_recordings(tmp_path))
    newest(page).get_by_test_id("delete").click()
    expect(page.get_by_test_id("recording")).to_have_count(2)
    expect(newest(page)).to_be_focused()
    page.get_by_test_id("notice").get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("recording")).to_have_count(3)
    expect(answers_of(newest(page))).to_have_count(2)


def test_everything_deleted_since_the_notice_appeared_comes_back(
    new_page: NewPage, house: ScriptedHouse, tmp_path: Path
) -> None:
    page = open_page(new_page(), house)
    import_archive(page, three_recordings(tmp_path))
    for left in (2, 1):
        newest(page).get_by_test_id("delete").click()
        expect(page.get_by_test_id("recording")).to_have_count(left)
    notice = page.locator("[data-topic=deleted]")
    expect(notice).to_contain_text("2 recordings were deleted.")
    expect(page.locator("[data-topic=history]")).to_be_visible()  # what the import said still stands there
    notice.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("recording")).to_have_count(3)
    expect(answers_of(newest(page))).to_have_count(2)
    expect(notice).to_have_count(0)


def test_two_tabs_show_the_same_and_undo_nothing_of_each_other(
    new_page: NewPage, house: ScriptedHouse, tmp_path: Path
) -> None:
    here = open_page(new_page(), house)
    import_archive(here, archive(tmp_path, [recording("b", 2), recording("a", 1)], [answer(2, "Herd.")]))
    there = open_page(here.context.new_page(), house)
    transcript = answers_of(newest(there)).first
    transcript.get_by_test_id("edit").click()
    transcript.get_by_test_id("edit-field").fill("Heard.")
    transcript.get_by_test_id("save-edit").click()
    expect(newest(here).get_by_test_id("text")).to_have_text("Heard.")
    newest(here).get_by_test_id("send").click()
    expect_state(here, "done")
    expect(newest(there).get_by_test_id("text")).to_have_text("Heard.")
    transcript.get_by_test_id("revert").click()
    expect(newest(here).get_by_test_id("text")).to_contain_text("1.00s")

    newest(here).get_by_test_id("rename").click()
    newest(here).get_by_test_id("name-field").fill("Ghost")
    newest(there).get_by_test_id("delete").click()
    expect(here.get_by_test_id("recording")).to_have_count(1)
    expect(newest(here).get_by_test_id("name")).to_have_text("a")
    here.reload()
    expect_recorder(here, "idle")
    expect(here.get_by_test_id("recording")).to_have_count(1)


def test_the_history_needs_no_mouse(new_page: NewPage, new_house: NewHouse, tmp_path: Path) -> None:
    """Also where the service is down."""
    page = open_page(new_page(), new_house())
    import_archive(page, three_recordings(tmp_path))

    def reach(target: Locator) -> None:
        for _ in range(80):
            if target.evaluate("element => element === document.activeElement"):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"{target} is not reached by Tab")

    first = newest(page)
    reach(first.get_by_test_id("rename"))
    page.keyboard.press("Enter")
    page.keyboard.type("Typed")
    page.keyboard.press("Enter")
    expect(first.get_by_test_id("name")).to_have_text("Typed")
    expect(first.get_by_test_id("rename")).to_be_focused()
    transcript = answers_of(first).first
    reach(transcript.get_by_test_id("edit"))
    page.keyboard.press("Enter")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Mine")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(transcript.get_by_test_id("text")).to_have_text("Mine")
    expect(transcript.get_by_test_id("edit")).to_be_focused()
    reach(transcript.get_by_test_id("save-as"))
    page.keyboard.press("Enter")
    reach(transcript.locator("[data-format=txt]"))
    name, content = download(page, lambda: page.keyboard.press("Enter"))
    assert (name, content) == ("Typed.txt", b"Mine\n")
    reach(first.get_by_test_id("delete"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("recording")).to_have_count(2)
