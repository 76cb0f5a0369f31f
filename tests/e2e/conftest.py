"""Browsers and houses for the tests of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from tests.e2e.browsers import Chromium, KillableChromium
from tests.e2e.houses import ScriptedHouse, WhisperHouse, scripted_house, whisper_house

expect.set_options(timeout=60_000)

NewPage = Callable[..., Page]
"""`Chromium.new_page`."""
NewHouse = Callable[..., ScriptedHouse]
"""`scripted_house`, ended with the test."""


@pytest.fixture(scope="session")
def _standing_house() -> Iterator[ScriptedHouse]:
    with scripted_house() as house:
        house.engine.allow_everything()
        house.start()
        yield house


@pytest.fixture
def house(_standing_house: ScriptedHouse) -> Iterator[ScriptedHouse]:
    """A scripted house that has been up for long, all gates open. To stop it, take a `new_house`."""
    yield _standing_house
    engine = _standing_house.engine
    engine.allow_everything()
    for record in (engine.started, engine.running, engine.cancelled):
        record.clear()
    _standing_house.platform.reset()


@pytest.fixture
def new_house() -> Iterator[NewHouse]:
    """Build scripted houses with settings or an engine's description of their own; their service is down."""
    with ExitStack() as houses:
        yield lambda **options: houses.enter_context(scripted_house(**options))


@pytest.fixture
def real_house(tmp_path: Path) -> Iterator[WhisperHouse]:
    """A house with the real Whisper, which is down."""
    with whisper_house(tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Ends with the module: while it is there, so is an event loop, and other tests could not run one of their own."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def _chromium(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(playwright, tmp_path_factory.mktemp("microphone"))
    yield chromium
    chromium.close()


@pytest.fixture
def new_page(_chromium: Chromium) -> Iterator[NewPage]:
    """Blank pages, each in a context of its own."""
    yield _chromium.new_page
    _chromium.close_pages()


@pytest.fixture
def killable(playwright: Playwright, tmp_path: Path) -> Iterator[KillableChromium]:
    """A browser that can be killed."""
    browser = KillableChromium(playwright, tmp_path)
    yield browser
    browser.close()
