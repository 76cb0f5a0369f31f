"""What a person chooses for this browser."""

from __future__ import annotations

import re

import pytest
from kikitori.app import create_app
from kikitori.settings import Settings
from playwright.sync_api import Page, expect

from scripts.hosting import page_app, page_config
from tests.e2e.conftest import NewHouse, NewPage
from tests.e2e.houses import ScriptedHouse
from tests.e2e.page import expect_recorder, expect_state, newest, open_page, record
from tests.processes import free_port, serving
from tests.scripted_engine import ScriptedEngine

_KEY = "correct-horse-battery-staple-0123456789"


def _open_settings(page: Page) -> None:
    page.get_by_test_id("open-settings").click()
    expect(page.get_by_test_id("settings")).to_be_visible()


def test_choices_hold_at_once_and_the_next_time(new_page: NewPage, house: ScriptedHouse) -> None:
    page = open_page(new_page(color_scheme="light"), house)
    body = page.locator("body")
    light = body.evaluate("(body) => getComputedStyle(body).backgroundColor")
    _open_settings(page)
    expect(page.get_by_test_id("storage")).to_have_text(re.compile(r"MB used here, .*GB free"))
    page.get_by_test_id("theme").select_option("dark")
    page.get_by_test_id("language").select_option("ja")
    page.get_by_test_id("while-speaking").uncheck()
    expect(page.get_by_test_id("storage")).to_contain_text("空き")
    for _ in range(2):
        expect(page.locator("html")).to_have_attribute("lang", "ja")
        expect(body).not_to_have_css("background-color", light)
        expect(page.get_by_test_id("while-speaking")).not_to_be_checked()
        page.reload()
        expect_recorder(page, "idle")
    _open_settings(page)
    page.get_by_test_id("theme").select_option("system")
    page.get_by_test_id("language").select_option("")
    expect(body).to_have_css("background-color", light)
    page.emulate_media(color_scheme="dark")
    expect(body).not_to_have_css("background-color", light)
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_key_is_asked_for_when_it_is_missing_and_typed_once(new_page: NewPage, new_house: NewHouse) -> None:
    house = new_house(auth="api-key", api_keys=(_KEY,))
    house.engine.allow_everything()
    house.start()
    page = open_page(new_page(), house)
    record(page)
    notice = page.get_by_test_id("notice")
    expect(notice).to_contain_text("wants a key")
    assert house.platform.asked == []  # who has no key wakes nobody
    notice.get_by_role("button", name="Enter the key").click()
    expect(page.get_by_test_id("api-key")).to_be_focused()
    page.keyboard.type(_KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("settings")).to_be_hidden()
    page.reload()
    newest(page).get_by_test_id("send").click()
    expect_state(page, "done")


@pytest.mark.parametrize("typed_service", [True, False])
def test_a_local_build_takes_a_typed_address(new_page: NewPage, *, typed_service: bool) -> None:
    port, usual = free_port(), f"http://127.0.0.1:{free_port()}"
    config = page_config(usual, Settings(), ScriptedEngine.description)
    with serving(page_app({**config, "typed_service": typed_service})) as address:
        page = new_page()
        page.goto(address)
        expect_recorder(page, "idle")
        page.get_by_test_id("open-settings").click()
        field = page.get_by_test_id("address")
        if not typed_service:
            expect(field).to_be_hidden()
            return
        engine = ScriptedEngine()
        engine.allow_everything()
        with serving(create_app(Settings(cors_origins=(address,)), engine), port):
            field.fill("https://elsewhere.example")
            field.press("Tab")
            expect(field).to_have_attribute("aria-invalid", "true")
            field.fill(f"http://localhost:{port}/v1")
            field.press("Escape")
            record(page)
            expect_state(page, "done")


def test_signing_in_is_loaded_when_it_is_asked_for(new_page: NewPage) -> None:
    """Google itself cannot be reached from here, so nobody signs in."""
    firebase = {"apiKey": "key", "authDomain": "sign-in.example", "projectId": "p", "appId": "a"}
    config = page_config(f"http://127.0.0.1:{free_port()}", Settings(), ScriptedEngine.description)
    with serving(page_app({**config, "auth": "firebase", "firebase": firebase})) as address:
        page = new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(address)
        expect_recorder(page, "idle")
        assert not [url for url in asked if "sign-in" in url]
        page.get_by_test_id("record").click()
        expect_recorder(page, "recording")
        page.get_by_test_id("record").click()
        page.get_by_test_id("notice").get_by_role("button", name="Sign in with Google").click()
        expect(page.get_by_test_id("sign-in")).to_be_focused()
        expect(page.get_by_test_id("signed-in")).to_contain_text("those who have signed in")
        assert [url for url in asked if "sign-in" in url]
        assert all(url.startswith((address, "blob:")) for url in asked), asked
        assert complaints == []
