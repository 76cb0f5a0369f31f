"""Serves the page and the service on this machine until Ctrl-C: what `make run` starts.

The service is the real one, a process of its own. The page is the built files with the headers of static hosting
and a `config.json` written for this machine, so that what works here works when deployed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys

from kikitori.engines import build_engine
from kikitori.errors import StartupError
from kikitori.settings import load_settings

from scripts.hosting import page_config
from scripts.local_page import HOST, PageServer, listen, origins

_STOP_S = 10
"""Seconds that the service gets to finish what it does; as on Cloud Run."""


async def run(port: int, web_port: int) -> int:
    """Serve until told to stop; returns the exit status."""
    if port == web_port:
        raise StartupError(f"PORT and WEB_PORT are both {port}. Choose two: make run PORT={port} WEB_PORT={port + 1}")
    with listen(port, "PORT"):
        pass  # the service binds it itself; what counts is the clear word when it cannot
    page_socket = listen(web_port, "WEB_PORT")
    service, pages = f"http://{HOST}:{port}", origins(web_port)
    os.environ |= {"KIKITORI_HOST": HOST, "PORT": str(port), "KIKITORI_CORS_ORIGINS": ",".join(pages)}
    settings = load_settings()
    config = page_config(service, settings, build_engine(settings).description)
    # In a session of its own, the service does not see the terminal's Ctrl-C: it is stopped once, from here.
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "kikitori", start_new_session=True)
    server = PageServer(config)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve([page_socket]))
    ended = asyncio.create_task(child.wait())
    stopped = asyncio.create_task(stopping.wait())
    print(f"\n  The page     {pages[0]}\n  The service  {service}/v1\n\n  Ctrl-C stops both.\n", flush=True)
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
