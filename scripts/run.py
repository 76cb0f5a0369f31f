"""Serves the page and the service on this machine until Ctrl-C: what `make run` starts.

The service is the real one, a process of its own. The page is the built files with the headers of static hosting
and a `config.json` written for this machine, so that what works here works when deployed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from kikitori.engines import build_engine
from kikitori.errors import StartupError
from kikitori.settings import load_settings

from scripts.hosting import page_app, page_config

_HOST = "127.0.0.1"
_STOP_S = 10
"""Seconds that the service gets to finish what it does; as on Cloud Run."""


class _PageServer(uvicorn.Server):
    """Leaves the signals to `run`, which has two things to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


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
    settings = load_settings()
    config = page_config(service, settings, build_engine(settings).description)
    app = page_app({**config, "typed_service": True})
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
