"""The page in Debian's Chromium, with a microphone that plays synthesised speech."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kikitori.settings import Settings
from playwright.sync_api import BrowserContext, Playwright, sync_playwright

from scripts.run import page_app
from tests.processes import ServiceProcess, free_port, running_service, serving
from tests.speech import SENTENCES, say

SPOKEN = SENTENCES[1]

_QUIET = (
    "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)


@dataclass(frozen=True)
class House:
    """The page, served, and the place of its service, which may be down."""

    page: str
    port: int
    folder: Path

    @property
    def service(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wake(self) -> AbstractContextManager[ServiceProcess]:
        """Run the service."""
        return running_service(self.folder, self.port, CORS_ORIGINS=self.page)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    port = free_port()
    with serving(page_app(Settings(), f"http://127.0.0.1:{port}")) as page:
        yield House(page, port, tmp_path)


@pytest.fixture
def awake(house: House) -> Iterator[House]:
    """The page with its service, ready."""
    with house.wake() as service:
        service.until_ready()
        yield house


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture
def open_browser(playwright: Playwright, tmp_path: Path) -> Iterator[Callable[..., BrowserContext]]:
    """Start a browser; its profile is the test's own and outlives a restart. Give `granted` for the microphone."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: apt-get install chromium"
    speech = tmp_path / "speech.wav"
    speech.write_bytes(say(SPOKEN))
    contexts: list[BrowserContext] = []

    def start(granted: bool = True, **options: Any) -> BrowserContext:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=chromium,
            args=[
                *_QUIET.split(),
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={speech}",
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
            ],
            permissions=["microphone"] if granted else [],
            locale="en-GB",
            **options,
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        return context

    yield start
    for context in contexts:
        context.close()
