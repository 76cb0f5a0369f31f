"""The page on a port of this machine, for programs that serve it beside something else."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from kikitori.errors import StartupError

HOST = "127.0.0.1"


class PageServer(uvicorn.Server):
    """Serves the page of a `config.json`. It leaves the signals to whoever has more to stop."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        from scripts.hosting import page_app  # half a second, which not everybody who knows the ports needs

        app = page_app({**config, "typed_service": True})
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def origins(web_port: int) -> tuple[str, str]:
    """Of the page on a port, as browsers may name it; the first is the one to show."""
    return f"http://{HOST}:{web_port}", f"http://localhost:{web_port}"


def listen(port: int, variable: str) -> socket.socket:
    """A listening socket; `variable` is what the user chooses the port by.

    Raises:
        StartupError: the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise StartupError(
            f"Port {port} cannot be used ({reason}). Choose another: {variable}={port % 60_000 + 1}"
        ) from error
    listener.listen()
    return listener
