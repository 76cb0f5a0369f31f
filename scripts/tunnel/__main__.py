"""Serves the page here and the service on a GPU machine behind a firewall, over SSH: what `make tunnel` runs.

The service is started there on 127.0.0.1 and stays when this ends; its port is forwarded to the same address here. On
that machine there has to be a clone that `make run` works in. The settings KIKITORI_... and HF_TOKEN of the environment
go there with it; an access key is read from KIKITORI_API_KEY. The exit status of start is 0 after Ctrl-C, 1 when the
service has ended, 2 when nothing can be done, 130 after Ctrl-C before the service was ready; that of status is 0 when
the service runs, 1 when not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import httpx2 as httpx
from kikitori.errors import StartupError

from scripts.local_page import HOST, listen, origins
from scripts.tunnel.connection import Connection, TunnelError
from scripts.tunnel.page import config_when_ready, serve, stage
from scripts.tunnel.service import Service

_EVERYWHERE = "0.0.0.0"  # noqa: S104 - refused unless asked for
_T = TypeVar("_T")


class EndedError(Exception):
    """The service has ended."""


async def _start(options: argparse.Namespace) -> int:
    settings = _settings(os.environ, options)
    if options.expose and settings.get("KIKITORI_AUTH", "none") == "none":
        _say("Everyone who reaches that machine can use its GPU. KIKITORI_AUTH=api-key lets in only who has a key.")
    page_socket = listen(options.web_port, "WEB_PORT")
    with listen(options.port, "PORT"):
        pass  # ssh binds it itself; what counts is the clear word when it cannot
    async with Connection(options.machine, (options.port, options.remote_port)) as connection:
        service = Service(connection, options.folder, options.remote_port)
        runs = await service.runs()
        if not runs and await connection.leads_somewhere():
            another = f"Choose another: REMOTE_PORT={options.remote_port % 60_000 + 1}"
            raise TunnelError(f"Something else listens on port {options.remote_port} of {options.machine}. {another}")
        if options.dry_run:
            how = "used as it is" if runs else f"started with {', '.join(sorted(settings))}"
            _say(f"The service would be {how}. Nothing was changed.")
            return 0
        goes_on = True
        try:
            if runs:
                _say("It is used as it is, with the settings that it was started with.")
            else:
                await service.start(settings)
            await _show(service, connection, page_socket, options)
        except EndedError:
            goes_on = False
            print(f"The service on {options.machine} has ended; its last lines say why.", file=sys.stderr)
            return 1
        finally:
            if goes_on:
                which = f"MACHINE={options.machine} REMOTE_PORT={options.remote_port}"
                _say(f"What runs there goes on. To stop it: make tunnel {which} ACTION=stop")
    return 0


async def _show(
    service: Service, connection: Connection, page_socket: socket.socket, options: argparse.Namespace
) -> None:
    """Show the service's log, and as soon as it is ready serve the page, until told to stop.

    Raises:
        EndedError: the service ended.
    """
    address, page = f"http://{HOST}:{options.port}", origins(options.web_port)[0]
    following = asyncio.create_task(service.follow(_say))
    try:
        config = await _unless(following, config_when_ready(connection, address, page, _say))
        where = f"  The page     {page}\n  The service  {address}/v1, on {options.machine}"
        _say(f"\n{where}\n\n  Ctrl-C closes the tunnel.\n")
        with suppress(asyncio.CancelledError):
            await _unless(following, serve(config, page, page_socket))
    finally:
        following.cancel()
        await asyncio.wait({following})


async def _status(options: argparse.Namespace) -> int:
    with listen(0, "PORT") as probe:
        port: int = probe.getsockname()[1]
    async with Connection(options.machine, (port, options.remote_port)) as connection:
        if not await Service(connection, options.folder, options.remote_port).runs():
            return 1
        _say(f"It is {await stage(connection, f'http://{HOST}:{port}') or 'ready'}.")
        return 0


async def _stop(options: argparse.Namespace) -> int:
    async with Connection(options.machine) as connection:
        service = Service(connection, options.folder, options.remote_port)
        if options.dry_run:
            await service.runs()
        else:
            await service.stop()
    return 0


def _settings(environment: Mapping[str, str], options: argparse.Namespace) -> dict[str, str]:
    """The environment of the service.

    Raises:
        TunnelError: it would be reached from elsewhere, and nobody asked for that.
    """
    host = _EVERYWHERE if options.expose else environment.get("KIKITORI_HOST") or HOST
    if not options.expose and host != HOST:
        raise TunnelError(
            f"KIKITORI_HOST={host} would open the service to the networks of that machine. The tunnel does not need "
            f"it: what `ssh -L` takes here, sshd there hands to {HOST}, as any program of that machine could. Unset "
            "it; or, if others shall reach the service without ssh, give EXPOSE=1 and set KIKITORI_AUTH."
        )
    taken = {name: value for name, value in environment.items() if name == "HF_TOKEN" or name.startswith("KIKITORI_")}
    taken.pop("KIKITORI_API_KEY", None)  # a caller's
    pages = ",".join(origins(options.web_port))
    return {**taken, "KIKITORI_HOST": host, "KIKITORI_CORS_ORIGINS": pages, "PORT": str(options.remote_port)}


async def _unless(following: asyncio.Task[None], job: Coroutine[Any, Any, _T]) -> _T:
    """The result of a job.

    Raises:
        EndedError: the service ended first.
    """
    working = asyncio.create_task(job)
    try:
        await asyncio.wait({following, working}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            following.result()
            raise EndedError
        return working.result()
    finally:
        working.cancel()
        await asyncio.wait({working})


def _say(line: str) -> None:
    with suppress(OSError):  # the window may be closed already
        print(line, flush=True)


_ACTIONS = {"start": _start, "status": _status, "stop": _stop}


async def _until_told(options: argparse.Namespace) -> int:
    """Do what is asked for until it is done, or until Ctrl-C, SIGTERM or a closed window."""
    task = asyncio.create_task(_ACTIONS[options.action](options))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Once: a second one must not stop what the first has to clear up.
        asyncio.get_running_loop().add_signal_handler(number, lambda: task.cancelling() or task.cancel())
    return await task


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.tunnel", description=__doc__)
    parser.add_argument("action", choices=_ACTIONS, help="start also finds again what runs")
    parser.add_argument("machine", help="as ssh knows it: a name of ~/.ssh/config, or user@host")
    parser.add_argument("--folder", default="kikitori", help="the clone there, from home (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="of the service, here (default: %(default)s)")
    parser.add_argument("--remote-port", type=int, default=8000, help="of the service, there (default: %(default)s)")
    parser.add_argument("--web-port", type=int, default=8080, help="of the page (default: %(default)s)")
    parser.add_argument("--expose", action="store_true", help=f"let the service listen on {_EVERYWHERE}")
    parser.add_argument("--dry-run", action="store_true", help="connect and look, but change nothing")
    options = parser.parse_args(arguments)
    try:
        return asyncio.run(_until_told(options))
    except (TunnelError, StartupError) as error:
        print(error, file=sys.stderr)
        return 2
    except (ConnectionError, httpx.TransportError):
        print("The connection was lost meanwhile. Give the command again: it goes on from here.", file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        return 130


if __name__ == "__main__":
    sys.exit(main())
