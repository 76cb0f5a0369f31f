"""The service on the machine that a connection leads to: there.sh starts it, finds it again and stops it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.tunnel.connection import LOST, Connection, TunnelError

_THERE = Path(__file__).with_name("there.sh")
_NOT_RUNNING = 3


class Service:
    """Known by its port. What is done, the machine itself says on the terminal.

    Args:
        connection: that leads to the machine.
        folder: the clone there, from the home folder.
        port: where it listens there.
    """

    def __init__(self, connection: Connection, folder: str, port: int) -> None:
        self._connection = connection
        self._folder = folder
        self._port = port

    async def runs(self) -> bool:
        """Whether it does, by what, and what could keep it.

        Raises:
            TunnelError: it neither does nor can.
        """
        return await self._do("look") != _NOT_RUNNING

    async def start(self, settings: Mapping[str, str]) -> None:
        """Start it with these settings, by variable. It is not waited for."""
        await self._do("start", settings)

    async def stop(self) -> None:
        """End it as Ctrl-C does, and wait for that."""
        await self._do("stop")

    async def follow(self, say: Callable[[str], None]) -> None:
        """Show its log until it ends, over as many connections as that takes."""
        while await self._connection.run(self._script("watch")) == LOST:
            await self._connection.reopen(say)

    async def _do(self, verb: str, settings: Mapping[str, str] | None = None) -> int:
        status = await self._connection.run(self._script(verb, settings))
        if status == LOST:
            raise ConnectionResetError
        if status not in (0, _NOT_RUNNING):
            raise TunnelError(
                f"{self._connection.machine} could not {verb} (status {status}); the lines above say why."
            )
        return status

    def _script(self, verb: str, settings: Mapping[str, str] | None = None) -> str:
        exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in (settings or {}).items())
        told = {"verb": verb, "folder": self._folder, "port": str(self._port), "settings": exports}
        lines = [f"{name}={shlex.quote(value)}" for name, value in told.items()]
        return "\n".join([*lines, _THERE.read_text(encoding="utf-8")])
