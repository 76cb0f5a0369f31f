"""The page and its service, to open in a browser: a real one, and one whose every step a test allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI
from kikitori.api.dependencies import Service
from kikitori.app import create_app
from kikitori.engines import build_engine
from kikitori.engines.protocol import Description
from kikitori.settings import Settings

from scripts.hosting import page_app, page_config
from tests.e2e.platform import Platform
from tests.processes import ServiceProcess, free_port, running_service, serving, until
from tests.scripted_engine import ScriptedEngine


class House(Protocol):
    """A page that is served."""

    @property
    def page(self) -> str:
        """Its origin."""


@dataclass(frozen=True)
class WhisperHouse:
    """The page, served, and the place of its real service, which may be down."""

    page: str
    port: int
    folder: Path

    def wake(self) -> AbstractContextManager[ServiceProcess]:
        """Run the service."""
        return running_service(self.folder, self.port, CORS_ORIGINS=self.page)


@contextmanager
def whisper_house(folder: Path) -> Iterator[WhisperHouse]:
    """Serve the page; the service is down."""
    port, settings = free_port(), Settings()
    config = page_config(f"http://127.0.0.1:{port}", settings, build_engine(settings).description)
    with serving(page_app(config)) as page:
        yield WhisperHouse(page, port, folder)


@dataclass
class ScriptedHouse:
    """The page, served, and a service in this process whose engine a test steps; everything else of it is real.

    `engine` and `platform` can be set up before `start`. Every start is an instance of its own: a new engine, cold, all
    gates shut. The platform and what it noted stay.
    """

    page: str
    port: int
    settings: Settings
    description: Description
    engine: ScriptedEngine = field(init=False)
    platform: Platform = field(init=False)
    _app: FastAPI = field(init=False)
    _running: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.platform = Platform(self._next_instance())

    def start(self) -> None:
        """Open the port."""
        self._running.enter_context(serving(self.platform, self.port))

    def until_ready(self) -> None:
        """Wait until the engine has loaded, as its gate allows."""
        service: Service = self._app.state.service
        until(lambda: service.startup.status == "ready")

    def stop(self) -> None:
        """End the service. Answers under way have a second to finish; to break one off, use `platform.cut`."""
        self.engine.allow_everything()
        self._running.close()
        self.platform.app = self._next_instance()

    def in_flight(self) -> int:
        """Answers that somebody waits for."""
        service: Service = self._app.state.service
        return service.scheduler.in_flight

    def _next_instance(self) -> FastAPI:
        self.engine = ScriptedEngine()
        self.engine.description = self.description
        self._app = create_app(self.settings, self.engine)
        return self._app


@contextmanager
def scripted_house(
    description: Description = ScriptedEngine.description, **settings: object
) -> Iterator[ScriptedHouse]:
    """Serve the page of a deployment with such an engine and settings; the service is down."""
    port = free_port()
    config = page_config(f"http://127.0.0.1:{port}", Settings(**settings), description)  # type: ignore[arg-type]
    with serving(page_app(config)) as page:
        here = Settings(cors_origins=(page,), **settings)  # type: ignore[arg-type]
        house = ScriptedHouse(page, port, here, description)
        try:
            yield house
        finally:
            house.stop()
