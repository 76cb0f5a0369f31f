"""The real service as a process of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import openai
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

PATIENCE_S = 60
"""How long a condition may take on a busy machine before a test gives up."""


@dataclass(frozen=True)
class ServiceProcess:
    """A running service. `log` is a file with all it has printed."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, **options: object) -> openai.OpenAI:
        """The real client, without its own retries."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, **options)  # type: ignore[arg-type]

    def streaming(self, model: str, file: bytes, timeout_s: float = 60) -> AbstractContextManager[httpx.Response]:
        """The events of a transcription as they come; leaving early is hanging up."""
        return httpx.stream(
            "POST",
            f"{self.url}/v1/audio/transcriptions",
            data={"model": model, "stream": "true"},
            files={"file": ("speech.wav", file)},
            timeout=timeout_s,
        )

    def until_ready(self) -> None:
        """Wait for the model."""
        until(lambda: httpx.get(f"{self.url}/health/ready").status_code == 200)

    def logged(self, text: str) -> bool:
        """Whether a line of the log has it."""
        return text in self.log.read_text()


@contextmanager
def running_service(folder: Path, port: int | None = None, **settings: str) -> Iterator[ServiceProcess]:
    """Start `python -m kikitori`, wait for its port, and end it; `settings` are given without their prefix."""
    port = port or free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KIKITORI_")}
    environment |= {f"KIKITORI_{name}": value for name, value in settings.items()} | {"PORT": str(port)}
    log = folder / f"service-{port}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "kikitori"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: process.poll() is not None or is_open(port))
        assert process.poll() is None, log.read_text()
        yield ServiceProcess(f"http://127.0.0.1:{port}", process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()


@contextmanager
def serving(app: ASGIApp, port: int | None = None) -> Iterator[str]:
    """Serve an app in a thread of this process, over real HTTP; gives its address."""
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.config.port}"
    finally:
        server.should_exit = True
        thread.join()


def answering(reply: Callable[[Request], Response]) -> AbstractContextManager[str]:
    """Serve what `reply` makes of every GET and HEAD; gives the address."""
    return serving(Starlette(routes=[Route("/{path:path}", reply)]))


def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not come true in time.
    """
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on.

    Below those that Linux gives to outgoing connections: one of these may be taken again before it is used.
    """
    while True:
        port = 11_000 + secrets.randbelow(21_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
