"""Serves the page and the service on this machine until Ctrl-C: what `make run` starts.

The service is the real one, a process of its own. The page is the built files with the headers of static hosting
and a `config.json` written for this machine, so that what works here works when deployed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from kikitori.api.models import model_entry
from kikitori.engines import build_engine
from kikitori.errors import StartupError
from kikitori.settings import Settings, load_settings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WEB = Path(__file__).parent.parent / "web"
_HOST = "127.0.0.1"
_STOP_S = 10
"""Seconds that the service gets to finish what it does; as on Cloud Run."""


class _PageServer(uvicorn.Server):
    """Leaves the signals to `run`, which has two things to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


class _HostingHeaders:
    """Adds the headers that static hosting will send."""

    def __init__(self, app: ASGIApp, headers: list[tuple[bytes, bytes]]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def page_app(settings: Settings, service: str) -> Starlette:
    """The built page, configured for the service at the origin `service`.

    Raises:
        StartupError: the model that the settings name is unusable.
    """
    config = {
        "service": service,
        "auth": settings.auth,
        "model": model_entry(build_engine(settings).description, settings),
    }
    headers = [
        (header["key"].encode(), header["value"].replace("{service}", service).encode())
        for header in json.loads((_WEB / "headers.json").read_text(encoding="utf-8"))
    ]

    async def send_config(_: Request) -> Response:
        return JSONResponse(config)

    return Starlette(
        routes=[Route("/config.json", send_config), Mount("/", StaticFiles(directory=_WEB / "dist", html=True))],
        middleware=[Middleware(_HostingHeaders, headers=headers)],
    )


async def run(port: int, web_port: int) -> int:
    """Serve until told to stop; returns the exit status."""
    if port == web_port:
        raise StartupError(f"PORT and WEB_PORT are both {port}. Choose two: make run PORT={port} WEB_PORT={port + 1}")
    with _listen(port, "PORT"):
        pass  # the service binds it itself; what counts is the clear word when it cannot
    page_socket = _listen(web_port, "WEB_PORT")
    service, page = f"http://{_HOST}:{port}", f"http://{_HOST}:{web_port}"
    origins = (page, f"http://localhost:{web_port}")
    os.environ |= {"KIKITORI_HOST": _HOST, "PORT": str(port), "KIKITORI_CORS_ORIGINS": ",".join(origins)}
    app = page_app(load_settings(), service)
    # In a session of its own, the service does not see the terminal's Ctrl-C: it is stopped once, from here.
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "kikitori", start_new_session=True)
    server = _PageServer(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve([page_socket]))
    ended = asyncio.create_task(child.wait())
    stopped = asyncio.create_task(stopping.wait())
    print(f"\n  The page     {page}\n  The service  {service}/v1\n\n  Ctrl-C stops both.\n", flush=True)
    await asyncio.wait({serving, ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    crashed = ended.done()
    if not crashed:
        child.terminate()
    server.should_exit = True
    await serving
    try:
        await asyncio.wait_for(ended, _STOP_S)
    except TimeoutError:
        child.kill()
        await child.wait()
    if crashed:
        print(f"The service has ended (status {child.returncode}); its last lines say why.", file=sys.stderr)
    return (child.returncode or 0) if crashed else 0


def _listen(port: int, variable: str) -> socket.socket:
    """A listening socket.

    Raises:
        StartupError: the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise StartupError(
            f"Port {port} cannot be used ({reason}). Choose another: make run {variable}={port % 60_000 + 1}"
        ) from error
    listener.listen()
    return listener


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="port of the service (default: %(default)s)")
    parser.add_argument("--web-port", type=int, default=8080, help="port of the page (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        return asyncio.run(run(arguments.port, arguments.web_port))
    except StartupError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
