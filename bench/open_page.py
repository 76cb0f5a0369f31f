"""What a page that is only open for an hour takes of an instance: this project's, Gradio's and Streamlit's.

The page's clock is run ahead by an hour; its servers are real and see what it sends meanwhile. What was under way when
goes into the simulation of Cloud Run (scripts/cost), which says how long an instance would live for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2 as httpx
from kikitori.app import create_app
from kikitori.engines import build_engine
from kikitori.settings import Settings
from playwright.sync_api import Page, WebSocket, sync_playwright

from bench.figures import Figure
from bench.forwarder import forwarding
from bench.script_environment import python_of
from scripts.cost.alternatives import Service, read_engine
from scripts.cost.simulation import Request, Simulation
from scripts.hosting import page_app, page_config
from tests.e2e.browsers import Chromium
from tests.processes import free_port, serving, until

_APPS = Path(__file__).parent / "apps"
RESULTS = Path(__file__).parent / "results"
_HOUR_S = 3600
_STEP_S = 60
_MINUTES_TO_COME_BACK = 10
_RETENTION_S = 600.0
_SIGNS = {"gradio": "textarea", "streamlit": "[data-testid=stAudioInput]"}
"""What is seen when a page is there."""
_QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}


@dataclass(frozen=True, slots=True)
class _Contestant:
    """Where a page is, where its instance is, and by what it is known to be there."""

    page: str
    instance: str
    sign: str
    drop: Callable[[], object]
    """Ends all connections to the instance."""


@dataclass
class _Traffic:
    """What a page has under way with an instance, on its own clock: seconds since it was opened."""

    instance: str
    ahead_s: float = 0.0
    opened: float = field(default_factory=monotonic)
    spans: list[list[float]] = field(default_factory=list)
    """When each request began and ended; without an end while it is under way."""
    _open: dict[Any, list[float]] = field(default_factory=dict)

    def watch(self, page: Page) -> None:
        """Take in what happens from now on."""
        page.context.on("request", lambda one: self._begins(one, one.url))
        page.context.on("requestfinished", self._ends)
        page.context.on("requestfailed", self._ends)
        page.on("websocket", self._connects)

    def now(self) -> float:
        return monotonic() - self.opened + self.ahead_s

    @property
    def under_way(self) -> int:
        """Requests and connections now."""
        return len(self._open)

    def close(self) -> None:
        """The page is closed, and what it had under way ends."""
        for one in list(self._open):
            self._ends(one)

    def _connects(self, one: WebSocket) -> None:
        self._begins(one, one.url.replace("ws://", "http://"))
        one.on("close", self._ends)

    def _begins(self, one: Any, url: str) -> None:
        if url.startswith(self.instance):
            self._open[one] = [self.now()]
            self.spans.append(self._open[one])

    def _ends(self, one: Any) -> None:
        if one in self._open:
            self._open.pop(one).append(self.now())


def measure() -> dict[str, Any]:
    """Open each page in Chromium and leave it open. Once: what is counted does not vary."""
    figures = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        chromium = Chromium(playwright, Path(folder))
        for name, contestant in (
            ("kikitori", _kikitori),
            ("gradio", partial(_app, "gradio")),
            ("gradio_with_state", partial(_app, "gradio", "stateful")),
            ("streamlit", partial(_app, "streamlit")),
        ):
            with contestant() as one:
                figures.append(_open_for_an_hour(name, chromium, one))
            chromium.close_pages()
        version = chromium.version
        chromium.close()
    versions = {name: _locked_version(name) for name in ("gradio", "streamlit")}
    return {
        "versions": {"chromium": version, **versions},
        "figures": {figure.name: figure.record() for figure in figures},
    }


def _open_for_an_hour(name: str, chromium: Chromium, contestant: _Contestant) -> Figure:
    page = chromium.new_page()
    page.clock.install()
    traffic = _Traffic(contestant.instance)
    traffic.watch(page)
    page.goto(contestant.page)
    page.locator(contestant.sign).first.wait_for()
    page.wait_for_function("document.readyState === 'complete'")
    at_once = len(traffic.spans)
    for _ in range(_HOUR_S // _STEP_S):
        _steps_on(page, traffic)
    held = traffic.under_way
    asked = len(traffic.spans)
    spans = [[*span, traffic.now()][:2] for span in traffic.spans]
    contestant.drop()
    comes_back = held > 0 and any(_steps_on(page, traffic) for _ in range(_MINUTES_TO_COME_BACK))
    traffic.close()
    return Figure(
        f"open_hour_{name}_instance_s",
        [_instance_s(spans)],
        at_most=0 if name == "kikitori" else None,
        parts={
            "requests_to_open": at_once,
            "requests_in_the_hour": asked - at_once,
            "held_after_the_hour": held,
            "held_again_after_a_drop": int(comes_back),
        },
    )


def _steps_on(page: Page, traffic: _Traffic) -> bool:
    """Let a minute of the page's time pass; whether it then has something under way."""
    page.clock.run_for(_STEP_S * 1000)
    traffic.ahead_s += _STEP_S
    return traffic.under_way > 0


def _instance_s(spans: list[list[float]]) -> float:
    """How long an instance lives for requests from when to when, seconds."""
    engine, _ = read_engine(Service().engine)
    simulation = Simulation(Service(timeout_s=3600, places=1000).limits(_RETENTION_S), engine)
    for begin, end in spans:
        request = Request(lambda _: None, held=True)
        simulation.at(begin, partial(simulation.arrive, request))
        simulation.at(end, partial(simulation.end, request))
    return simulation.run().billed_s


@contextmanager
def _kikitori() -> Iterator[_Contestant]:
    """The page from its files, and the real service elsewhere."""
    port, settings = free_port(), Settings()
    engine = build_engine(settings)
    with serving(page_app(page_config(f"http://127.0.0.1:{port}", settings, engine.description))) as address:
        app = create_app(settings.model_copy(update={"cors_origins": (address,)}), engine)
        with serving(app, port) as service:
            yield _Contestant(address, service, "[data-testid=record]", lambda: None)


@contextmanager
def _app(name: str, *arguments: str) -> Iterator[_Contestant]:
    """An app of bench/apps in its own environment, as its lock has it."""
    script, port = _APPS / f"{name}_app.py", free_port()
    python = python_of(script)
    command = [python, str(script), str(port), *arguments]
    if name == "streamlit":
        options = {"port": port, "address": "127.0.0.1", "headless": "true", "enableCORS": "false"}
        given = [f"--server.{option}={value}" for option, value in options.items()]
        command = [python, "-m", "streamlit", "run", str(script), "--server.enableXsrfProtection=false", *given]
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(  # noqa: S603
                command, env=os.environ | _QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )
        stack.callback(process.terminate)
        until(lambda: _answers(port))
        forwarder = stack.enter_context(forwarding(port))
        yield _Contestant(forwarder.address, forwarder.address, _SIGNS[name], forwarder.drop)


def _locked_version(name: str) -> str:
    lock = tomllib.loads((_APPS / f"{name}_app.py.lock").read_text(encoding="utf-8"))
    return next(str(package["version"]) for package in lock["package"] if package["name"] == name)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    result = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-open-page.json"
    result.write_text(json.dumps(measure(), indent=2) + "\n", encoding="utf-8")
    print(result.read_text(encoding="utf-8"))
