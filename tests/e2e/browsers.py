"""Debian's Chromium with a microphone that plays a file."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.e2e.microphone import sound, speech

_QUIET = (
    "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)
_PATIENCE_MS = 60_000


@cache
def _talk() -> bytes:
    """A sentence again and again for more than a minute, with a pause after each."""
    return sound(*(piece for _ in range(20) for piece in (speech(), 0.6)))


def _launch_options(microphone: Path) -> dict[str, Any]:
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: apt-get install chromium"
    return {
        "executable_path": chromium,
        "args": [
            *_QUIET.split(),
            "--use-fake-device-for-media-stream",
            # After its end it gives silence. Each capture reads the file anew, and from its beginning.
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ],
    }


def _context_options(granted: bool) -> dict[str, Any]:
    return {"permissions": ["microphone"] if granted else [], "locale": "en-GB"}


class Chromium:
    """One browser for all tests of a process."""

    def __init__(self, playwright: Playwright, folder: Path) -> None:
        self._microphone = folder / "microphone.wav"
        self._microphone.write_bytes(_talk())
        self._browser: Browser = playwright.chromium.launch(**_launch_options(self._microphone))

    def new_page(self, microphone: bytes | None = None, granted: bool = True, **options: Any) -> Page:
        """A blank page in a context of its own, as of a person who comes for the first time.

        Args:
            microphone: a WAV file, which every recording hears from its beginning; None is a talk of a minute.
            granted: whether the page may have the microphone.
            options: of Playwright's `new_context`.
        """
        self._microphone.write_bytes(_talk() if microphone is None else microphone)
        context = self._browser.new_context(**_context_options(granted) | options)
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        # A failing test shows what the page complained of.
        page.on("console", lambda message: print(f"the page's console: {message.text}"))
        page.on("pageerror", lambda error: print(f"error in the page: {error}"))
        return page

    @property
    def version(self) -> str:
        """Of Chromium."""
        return self._browser.version

    def close_pages(self) -> None:
        """Close all contexts."""
        for context in self._browser.contexts:
            context.close()

    def close(self) -> None:
        """End the browser."""
        self._browser.close()


@dataclass
class KillableChromium:
    """A browser with a profile on the disk that outlives it."""

    playwright: Playwright
    folder: Path
    _contexts: ExitStack = field(default_factory=ExitStack)

    def open(self, microphone: bytes | None = None) -> Page:
        """Start the browser, again with the same profile, and give its blank page."""
        file = self.folder / "microphone.wav"
        file.write_bytes(_talk() if microphone is None else microphone)
        context: BrowserContext = self.playwright.chromium.launch_persistent_context(
            self.folder / "profile", **_launch_options(file), **_context_options(granted=True)
        )
        self._contexts.callback(context.close)
        context.set_default_timeout(_PATIENCE_MS)
        return context.pages[0]

    def kill(self) -> None:
        """Kill all of its processes at once, and no other browser's."""
        for process in psutil.process_iter(["cmdline"]):
            if f"--user-data-dir={self.folder / 'profile'}" in (process.info["cmdline"] or []):
                process.kill()

    def close(self) -> None:
        """End the browser."""
        self._contexts.close()
