"""How long a person waits for the text after the end of a recording: sent while it is spoken, and sent after it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from kikitori.app import create_app
from kikitori.engines import build_engine
from kikitori.engines.protocol import Advance, Description, Engine, Report, Request
from kikitori.settings import Settings
from playwright.sync_api import sync_playwright
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.figures import Figure
from bench.scale import Scale
from scripts.hosting import page_app, page_config
from tests.e2e.browsers import Chromium
from tests.e2e.microphone import RATE, sound, speech
from tests.e2e.page import newest, start_recording, until_elapsed
from tests.processes import free_port, serving
from tests.speech import SENTENCES, Samples, word_error_rate

_COLD_START_S = 20.0
_SPOKEN_S = (5, 30, 120)
_MOST_ROUNDS = 2
"""A round takes six minutes, in which somebody speaks."""
_MOST_OVER_INFERENCE_S = 1.0
_PAUSE_S, _ENDING_S = 0.7, 0.1
STOP_AND_WAIT = """() => new Promise((resolve, reject) => {
    const began = performance.now();
    const look = () => {
        const { state } = document.querySelector('[data-testid=recording]')?.dataset ?? {};
        if (state === 'failed') reject(new Error('the recording was not answered'));
        if (state === 'done') resolve((performance.now() - began) / 1000);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    document.querySelector('[data-testid=record]').click();
})"""


@dataclass(frozen=True, slots=True)
class _Wait:
    """From stop to the full text, and the inference in it that only began after the last sound was cut, seconds."""

    seconds: float
    last_inference_s: float
    word_errors: float


@dataclass
class _ColdEngine:
    """A real engine on an instance that comes with the first request, and then takes its time to be ready."""

    engine: Engine[Any]
    woken: threading.Event = field(default_factory=threading.Event)
    inference_s: dict[Any, float] = field(default_factory=dict)
    """Of each run, in the order of their beginning."""

    @property
    def description(self) -> Description:
        return self.engine.description

    def load(self, report: Report) -> None:
        self.woken.wait()
        ready_at = monotonic() + _COLD_START_S
        self.engine.load(report)
        threading.Event().wait(max(0.0, ready_at - monotonic()))

    def start(self, request: Request) -> Any:
        run = self.engine.start(request)
        self.inference_s[run] = 0.0
        return run

    def step(self, runs: Sequence[Any]) -> Sequence[Advance]:
        began = monotonic()
        advances = self.engine.step(runs)
        for run in runs:
            self.inference_s[run] += monotonic() - began
        return advances

    def cancel(self, run: Any) -> None:
        self.engine.cancel(run)

    def close(self) -> None:
        self.engine.close()


def measure(scale: Scale, _cache: Path) -> list[Figure]:
    """Speak to the page in Chromium, in front of the real service with Whisper and a cold start of `_COLD_START_S`.

    The engine runs on a CPU whatever the machine has, so on a GPU machine there is nothing to measure.
    """
    if scale.name == "gpu":
        return []
    waits: dict[tuple[int, bool], list[_Wait]] = {(spoken, live): [] for spoken in _SPOKEN_S for live in (True, False)}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = Chromium(playwright, Path(folder))
        for _ in range(min(scale.rounds, _MOST_ROUNDS)):
            for (spoken, live), column in waits.items():
                column.append(_wait(chromium, spoken, live))
        chromium.close()
    return [_figure(spoken, waits[spoken, True], waits[spoken, False]) for spoken in _SPOKEN_S]


def _figure(spoken: int, live: Sequence[_Wait], after: Sequence[_Wait]) -> Figure:
    inference = median(wait.last_inference_s for wait in live)
    return Figure(
        f"stop_to_text_{spoken}_s",
        [wait.seconds for wait in live],
        at_most=_MOST_OVER_INFERENCE_S + inference if spoken > _COLD_START_S else None,
        parts={
            "last_inference_s": inference,
            "sent_after_stop_s": median(wait.seconds for wait in after),
            "sent_after_stop_inference_s": median(wait.last_inference_s for wait in after),
            "word_errors": median(wait.word_errors for wait in live),
            "sent_after_stop_word_errors": median(wait.word_errors for wait in after),
            "cold_start_s": _COLD_START_S,
        },
    )


def _wait(chromium: Chromium, spoken: int, live: bool) -> _Wait:
    microphone, text = talk(spoken)
    with _cold_house() as (address, engine):
        page = chromium.new_page(microphone)
        page.goto(address)
        page.get_by_test_id("open-settings").click()
        page.get_by_test_id("while-speaking").set_checked(live)
        page.keyboard.press("Escape")
        start_recording(page)
        until_elapsed(page, spoken)
        seconds: float = page.evaluate(STOP_AND_WAIT)
        heard = newest(page).get_by_test_id("text").inner_text()
        chromium.close_pages()
    return _Wait(seconds, list(engine.inference_s.values())[-1], word_error_rate(text, heard))


def talk(seconds: int) -> tuple[bytes, str]:
    """A recording of that length which ends with the last word of a sentence, and what is said in it."""
    said: list[str] = []
    pieces: list[Samples | float] = []
    left = seconds - _ENDING_S
    for sentence in cycle(SENTENCES):
        samples = speech(sentence)
        if len(samples) > left * RATE:
            break
        said.append(sentence)
        pieces += [samples, _PAUSE_S]
        left -= len(samples) / RATE + _PAUSE_S
    return sound(left + _PAUSE_S, *pieces[:-1], 10.0), " ".join(said)


@contextmanager
def _cold_house() -> Iterator[tuple[str, _ColdEngine]]:
    """The page's address, and the engine of its service; the first request wakes that."""
    port, settings = free_port(), Settings()
    engine = _ColdEngine(build_engine(settings))
    with serving(page_app(page_config(f"http://127.0.0.1:{port}", settings, engine.description))) as address:
        app = create_app(settings.model_copy(update={"cors_origins": (address,)}), engine)
        with serving(_waking(app, engine.woken), port):
            yield address, engine


def _waking(app: ASGIApp, woken: threading.Event) -> ASGIApp:
    async def pass_on(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            woken.set()
        await app(scope, receive, send)

    return pass_on
