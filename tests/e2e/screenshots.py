"""Pictures of the page for the documents: `make screenshots`. The engine is the real Whisper."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

from tests.e2e.browsers import Chromium
from tests.e2e.houses import WhisperHouse, whisper_house
from tests.e2e.microphone import sound, speech
from tests.e2e.page import expect_recorder, expect_state, open_page, start_recording, until_elapsed
from tests.speech import SENTENCES

_FOLDER = Path(__file__).parent.parent.parent / "docs" / "screens"
_SAID = (speech(SENTENCES[0]), 0.7, speech(SENTENCES[1]))
_SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True},
}


def main() -> None:
    """Take them: each state, in both sizes and languages."""
    expect.set_options(timeout=60_000)
    _FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = Chromium(playwright, Path(folder))
        with whisper_house(Path(folder)) as house, house.wake():
            for size, options in _SIZES.items():
                for language, locale in (("en", "en-GB"), ("ja", "ja-JP")):
                    _take(chromium, house, f"{size}-{language}", options | {"locale": locale})
        chromium.close()


def _take(chromium: Chromium, house: WhisperHouse, name: str, options: dict[str, Any]) -> None:
    page = open_page(chromium.new_page(sound(1.0, *_SAID, 60.0), **options), house)
    start_recording(page)
    until_elapsed(page, 5)
    page.screenshot(path=_FOLDER / f"{name}-recording.png")
    until_elapsed(page, 10)
    page.get_by_test_id("record").click()
    expect_recorder(page, "idle")
    expect_state(page, "done")
    page.screenshot(path=_FOLDER / f"{name}-answer.png", full_page=True)
    page.get_by_test_id("open-settings").click()
    page.screenshot(path=_FOLDER / f"{name}-settings.png")
    chromium.close_pages()


if __name__ == "__main__":
    main()
