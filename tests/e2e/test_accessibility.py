"""Everybody can use the page: axe finds nothing in any state, and the keyboard alone is enough."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import NewHouse, NewPage
from tests.e2e.houses import ScriptedHouse
from tests.e2e.page import expect_recorder, expect_state, newest, open_page, record, start_recording, until_elapsed
from tests.e2e.test_history import import_archive, three_recordings
from tests.processes import until

_STILL: dict[str, Any] = {"reduced_motion": "reduce"}
"""Colors that are on their way from one to another have no contrast that means anything."""


@cache
def _axe() -> str:
    root = Path(__file__).parent.parent.parent
    return (root / "web/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


def _audit(page: Page) -> None:
    """Let axe look at the page as it is, in both themes."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        until(lambda: page.evaluate("document.getAnimations().length === 0"))  # polling in the page is forbidden there
        violations = page.evaluate("axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)")
        found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations]
        assert found == [], f"{theme}: {found}"


def _tab_to(page: Page, wanted: Locator) -> None:
    """Go there with the Tab key."""
    for _ in range(40):
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not reach {wanted}")


def test_axe_finds_nothing_from_the_first_visit_to_the_answer(new_page: NewPage, new_house: NewHouse) -> None:
    house = new_house()
    page = open_page(new_page(**_STILL), house)
    _audit(page)
    page.get_by_test_id("open-settings").click()
    expect(page.get_by_test_id("storage")).not_to_be_empty()
    _audit(page)
    page.keyboard.press("Escape")
    house.start()
    start_recording(page)
    expect(page.get_by_test_id("phases")).to_have_attribute("data-status", "loading")
    _audit(page)
    page.get_by_test_id("record").click()
    expect_state(page, "sending")
    _audit(page)
    house.engine.load_gate.set()
    house.engine.step_gate.release()
    expect(page.get_by_test_id("transcript")).to_have_text("heard")
    _audit(page)
    house.engine.allow_everything()
    expect_state(page, "done")
    newest(page).get_by_test_id("play").click()
    _audit(page)


def test_axe_finds_nothing_where_something_went_wrong(new_page: NewPage, new_house: NewHouse) -> None:
    house = new_house(auth="api-key", api_keys=("k" * 32,))
    page = open_page(new_page(locale="ja", **_STILL), house)
    record(page)
    expect(page.get_by_test_id("notice")).to_be_visible()
    _audit(page)
    page.get_by_test_id("notice").get_by_role("button").first.click()
    expect(page.get_by_test_id("api-key")).to_be_focused()
    _audit(page)
    page.keyboard.press("Escape")
    newest(page).get_by_test_id("delete").click()
    expect(page.locator("[data-topic=deleted]")).to_be_visible()
    _audit(page)


def test_axe_finds_nothing_where_the_page_cannot_work(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(granted=False, **_STILL), house)
    page.get_by_test_id("record").click()
    expect(page.get_by_test_id("notice")).to_contain_text("microphone")
    _audit(page)
    page = new_page(service_workers="block", locale="ja", **_STILL)
    page.route("**/config.json", lambda route: route.fulfill(status=404))
    page.goto(house.page)
    expect(page.get_by_test_id("notice")).to_contain_text("config.json")
    _audit(page)
    page = new_page(**_STILL)
    page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: null })")
    page.goto(house.page)
    expect(page.get_by_test_id("notice")).to_contain_text("blocks storage")
    _audit(page)


def test_axe_finds_nothing_in_what_a_history_can_show(new_page: NewPage, house: ScriptedHouse, tmp_path: Path) -> None:
    phone = {"viewport": {"width": 375, "height": 800}, "is_mobile": True, "has_touch": True}
    page = open_page(new_page(**phone, **_STILL), house)
    import_archive(page, three_recordings(tmp_path))
    first = newest(page)
    transcript = first.get_by_test_id("answer").first
    transcript.get_by_test_id("save-as").click()
    transcript.get_by_test_id("edit").click()
    first.get_by_test_id("rename").click()
    expect(first.get_by_test_id("name-field")).to_be_focused()
    _audit(page)
    first.get_by_test_id("ask").click()
    page.get_by_role("radio", name="Translate").check(force=True)
    page.get_by_test_id("words").fill("Into plain words")
    expect(page.get_by_test_id("target")).to_be_visible()
    expect(page.get_by_test_id("ask-now")).to_be_visible()
    _audit(page)
    page.get_by_test_id("search").fill("nowhere")
    expect(page.get_by_test_id("found")).to_have_text("Nothing found.")
    page.get_by_test_id("delete-all").click()
    expect(page.get_by_test_id("delete-all-yes")).to_be_visible()
    _audit(page)


def test_axe_finds_nothing_while_something_is_waited_for(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(**_STILL), house)
    start_recording(page)
    until_elapsed(page, 1)
    page.get_by_test_id("pause").click()
    expect_recorder(page, "paused")
    _audit(page)
    house.platform.refuse(429, path="/v1/audio", retry_after=77, readable=True)
    page.get_by_test_id("record").click()
    expect(page.get_by_test_id("answer-now")).to_be_visible()
    expect(page.locator(".answer-countdown")).to_contain_text("Trying again in")
    _audit(page)


def test_the_keyboard_is_enough(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(), house)
    settings = page.get_by_test_id("open-settings")
    _tab_to(page, settings)
    page.keyboard.press("Enter")
    _tab_to(page, page.get_by_test_id("theme"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    _tab_to(page, page.get_by_test_id("shortcut"))
    page.keyboard.press("Space")
    expect(page.get_by_test_id("shortcut")).not_to_be_checked()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("settings")).to_be_hidden()
    expect(settings).to_be_focused()  # back where one came from
    _tab_to(page, page.get_by_test_id("record"))
    page.keyboard.press("Space")
    expect_recorder(page, "recording")
    expect(page.get_by_test_id("elapsed")).not_to_have_text("0:00")
    page.keyboard.press("Enter")
    expect_state(page, "done")
    _tab_to(page, newest(page).get_by_test_id("play"))
    page.keyboard.press("Enter")
    expect(newest(page).locator("audio")).to_be_visible()
    _tab_to(page, newest(page).get_by_test_id("delete"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("recording")).to_have_count(0)
    # The recording has taken the focus with it; the way back begins at the top of the page.
    _tab_to(page, page.get_by_test_id("notice").get_by_role("button").first)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("recording")).to_have_count(1)
