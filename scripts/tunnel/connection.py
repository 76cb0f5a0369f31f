"""One connection of the user's own ssh, which forwards a port and carries commands: what ssh asks for, it asks once."""

from __future__ import annotations

import asyncio
import ctypes
import re
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, cast

from scripts.local_page import HOST

LOST = 255
"""The status that ssh has for its own failures."""
_OPTIONS = {
    # What a user's configuration could say otherwise, and would break this.
    "RemoteCommand": "none",
    "ControlPersist": "no",
    "ExitOnForwardFailure": "yes",
    # A network that went away is noticed after 15 seconds.
    "ConnectTimeout": "10",
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
}
_LONGEST_PAUSE_S = 30
_REFUSED = re.compile(r"channel \d+: open failed: (administratively prohibited)?")
_PATIENCE_S = 10
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html; other systems have nothing like it."""


class TunnelError(Exception):
    """It cannot be done; the message says what to do."""


class Connection:
    """A connection to a machine, as `ssh -N -L` makes it. `async with` opens it, and raises TunnelError.

    Args:
        machine: as one gives it to ssh.
        forward: a port of 127.0.0.1 here, and the one of 127.0.0.1 there that it leads to; None forwards nothing.
    """

    def __init__(self, machine: str, forward: tuple[int, int] | None = None) -> None:
        self.machine = machine
        self._forbidden = False
        self._forward = forward
        self._refused = asyncio.Event()
        self._master: Process | None = None

    async def __aenter__(self) -> Self:
        # A socket's path may have about 100 characters, and ssh adds 17.
        self._folder = tempfile.TemporaryDirectory(prefix="kikitori-")
        self._control = Path(self._folder.name, "ssh")
        try:
            await self._open()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()
        self._folder.cleanup()

    def expect_forwarding(self) -> None:
        """Nothing, if the machine forwards what it is asked to, as far as is known.

        Raises:
            TunnelError: it has refused.
        """
        if self._forbidden:
            raise TunnelError(
                f"{self.machine} lets you in but forwards no ports: AllowTcpForwarding or PermitOpen in its "
                "sshd_config forbids it, or what stands before your key in its authorized_keys."
            )

    async def leads_somewhere(self) -> bool:
        """Whether anything listens where the forward ends.

        Raises:
            TunnelError: the machine forwards nothing.
        """
        if self._forward is None:
            return False
        self._refused.clear()
        reader, writer = await asyncio.open_connection(HOST, self._forward[0])
        writer.write(b"HEAD / HTTP/1.0\r\n\r\n")
        try:
            with suppress(TimeoutError, ConnectionError):
                if await asyncio.wait_for(reader.read(1), _PATIENCE_S):
                    return True
            await asyncio.wait_for(self._refused.wait(), 1)
        except TimeoutError:
            return True  # whoever it is does not speak HTTP
        finally:
            writer.close()
        self.expect_forwarding()
        return False

    async def run(self, script: str) -> int:
        """Run a shell script on the machine, and show what it prints; gives its exit status, or LOST."""
        # Were the connection gone, ssh would make one of its own and ask again, but for the command that makes it.
        only_this = {"ControlMaster": "no", "ClearAllForwardings": "yes", "ProxyCommand": "false", "LogLevel": "QUIET"}
        # It asks nothing, and in a session of its own it does not see the terminal's Ctrl-C.
        process = await self._ssh(only_this, "-T", "--", self.machine, "sh -s", stdin=PIPE, start_new_session=True)
        try:
            await process.communicate(script.encode())
        finally:
            await _end(process)
        return process.returncode or 0

    async def reopen(self, say: Callable[[str], None]) -> None:
        """Connect again after a cut, however long that takes."""
        pause_s = 1
        while True:
            say(f"The connection to {self.machine} is cut. Connecting again in {pause_s} s; Ctrl-C gives up.")
            await asyncio.sleep(pause_s)
            await self._close()
            try:
                await self._open()
            except TunnelError:
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                say(f"Connected to {self.machine} again.")
                return

    async def _open(self) -> None:
        forward = ("-L", "{0}:{1}:{0}:{2}".format(HOST, *self._forward)) if self._forward else ()
        options = {"ControlMaster": "yes", "LogLevel": "INFO"}
        command = ("-N", "-T", *forward, "--", self.machine)
        # On a terminal it may ask, so it has to see its Ctrl-C, and is told to leave that to us.
        self._master = await self._ssh(options, *command, stdin=DEVNULL, stderr=PIPE, preexec_fn=_bind_to_us)
        self._complaints = asyncio.create_task(self._read_complaints(cast(asyncio.StreamReader, self._master.stderr)))
        ended = asyncio.create_task(self._master.wait())
        # ssh makes the socket once it is signed in and forwards.
        while not self._control.exists():
            await asyncio.wait({ended}, timeout=0.05)
            if ended.done():
                await self._complaints
                raise TunnelError(
                    f"ssh cannot connect to {self.machine}; its lines above say why. "
                    f"First see to it that this works: ssh {self.machine} true"
                )

    async def _close(self) -> None:
        if self._master is not None:
            await _end(self._master)
            await self._complaints
            self._control.unlink(missing_ok=True)

    async def _read_complaints(self, lines: asyncio.StreamReader) -> None:
        """Show what ssh says, but for the connections that nobody took at the other end."""
        async for line in lines:
            said = line.decode(errors="replace")
            if refused := _REFUSED.match(said):
                self._forbidden |= refused[1] is not None
                self._refused.set()
            else:
                print(said, end="", file=sys.stderr, flush=True)

    async def _ssh(self, options: Mapping[str, str], *arguments: str, **process: Any) -> Process:
        command = ["ssh"]
        for name, value in {"ControlPath": str(self._control), **_OPTIONS, **options}.items():
            command += ["-o", f"{name}={value}"]
        starting = asyncio.create_task(asyncio.create_subprocess_exec(*command, *arguments, **process))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Cancelled between its steps, asyncio of Python 3.11 waits forever for pipes that it has not connected.
            await _end(await starting)
            raise
        except FileNotFoundError as error:
            raise TunnelError("ssh is missing here. On Debian: apt-get install openssh-client") from error


def _bind_to_us() -> None:
    """In ssh, before it begins: leave Ctrl-C to us, and end with us however that is, or it would keep the port."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    await process.wait()
