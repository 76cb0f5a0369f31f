"""`python -m kikitori`: serve until told to stop."""

from __future__ import annotations

import sys
from contextlib import suppress

import uvicorn

from kikitori.app import create_app
from kikitori.engines import build_engine
from kikitori.errors import StartupError
from kikitori.logs import configure_logging
from kikitori.settings import load_settings

_DRAIN_S = 7
"""Seconds that requests in flight get to finish; Cloud Run kills 10 s after SIGTERM."""


def main() -> int:
    """Serve; the exit status is 0 after a stop, 1 after a failed load, 2 for unusable settings."""
    try:
        settings = load_settings()
        engine = build_engine(settings)
    except StartupError as error:
        print(f"kikitori: {error}", file=sys.stderr)
        return 2
    configure_logging(settings.log_format)
    exit_status = 0

    def end(status: int) -> None:
        nonlocal exit_status
        exit_status = status
        server.should_exit = True

    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, engine, end),
            host=settings.host,
            port=settings.port,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_S,
        )
    )
    with suppress(KeyboardInterrupt):  # uvicorn hands it on after its own stop
        server.run()
    return exit_status


if __name__ == "__main__":
    sys.exit(main())
