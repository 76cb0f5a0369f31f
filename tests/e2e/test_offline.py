"""The installed page: it opens without a network, and a new build takes the place of the old."""

from __future__ import annotations

import shutil
from pathlib import Path

from kikitori.settings import Settings
from playwright.sync_api import Page, expect

import scripts.hosting
from scripts.hosting import page_app, page_config
from tests.e2e.conftest import NewHouse, NewPage
from tests.e2e.page import connections, expect_recorder, expect_state, heard_seconds, open_page, record
from tests.processes import free_port, serving, until
from tests.scripted_engine import ScriptedEngine

_BUILT = Path(scripts.hosting.__file__).parent.parent / "web" / "dist"


_SETTLED = """navigator.serviceWorker.getRegistration().then(
    ({ installing, waiting, active }) => !installing && !waiting && active?.state === 'activated')"""
"""Evaluated again and again by the test: the page's own rules forbid Playwright to do that in the page."""


def _builds(page: Page) -> list[str]:
    """Caches of the page, one for each build."""
    names: list[str] = page.evaluate("caches.keys()")
    return names


def test_the_page_opens_and_records_without_a_network(new_page: NewPage, new_house: NewHouse) -> None:
    house = new_house()
    house.start()
    page = open_page(new_page(), house)
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    page.context.set_offline(True)
    page.reload()
    record(page)
    expect(page.get_by_test_id("notice")).to_contain_text("offline")
    page.reload()
    expect_recorder(page, "idle")
    expect(page.get_by_test_id("recording")).to_have_count(1)
    assert house.platform.asked == []
    house.engine.allow_everything()
    page.context.set_offline(False)  # what was spoken without a network is sent when it is back
    expect_state(page, "done")
    assert heard_seconds(page) > 0
    asked = list(house.platform.asked)
    page.reload()
    expect_recorder(page, "idle")
    page.wait_for_load_state("networkidle")
    assert house.platform.asked == asked  # neither page nor worker wakes anybody by itself
    until(lambda: connections(house.port) == 0)  # those of the answer are kept alive for a while


def test_a_new_build_takes_the_place_of_the_old(new_page: NewPage, tmp_path: Path) -> None:
    built = shutil.copytree(_BUILT, tmp_path / "dist")
    config = page_config(f"http://127.0.0.1:{free_port()}", Settings(), ScriptedEngine.description)
    with serving(page_app(config, built)) as address:
        page = new_page()
        page.goto(address)
        page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
        [old] = _builds(page)
        for name, change in {"index.html": ("<main", '<main data-build="new"'), "sw.js": (old[9:], "new")}.items():
            text = (built / name).read_text(encoding="utf-8")
            assert change[0] in text
            (built / name).write_text(text.replace(*change), encoding="utf-8")
        page.reload()
        expect(page.locator("main")).to_have_attribute("data-build", "new")  # at once, not the time after
        page.evaluate("navigator.serviceWorker.getRegistration().then((registration) => registration.update())")
        until(lambda: "kikitori-new" in _builds(page))
        until(lambda: page.evaluate(_SETTLED))
    page.reload()  # the host is gone
    expect(page.locator("main")).to_have_attribute("data-build", "new")
    expect_recorder(page, "idle")
    assert old in _builds(page)  # a page of it may be open
