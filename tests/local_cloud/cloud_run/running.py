"""A Cloud Run that runs, in a thread of its own, beside a local Google in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx2 as httpx
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal

from tests.local_cloud.store import Store

from .clock import Clock
from .container import Program
from .front import Front
from .instances import Instances, Machine
from .meter import Meter
from .routing import Routing

_STATE = "state.sqlite3"


@dataclass(frozen=True)
class Options:
    """How one Cloud Run differs from another."""

    program: Program = field(default_factory=Program)
    provisioning_s: float | None = None
    retention_s: float | None = None
    """As in `Machine`."""
    rate: float = 1.0
    """Of the clock while nothing works."""
    begin: float | None = None
    """Where the clock begins, seconds since 1970; None is now."""


@dataclass(frozen=True)
class CloudRun:
    """What is deployed in a local Google, at work. Its methods are for other threads than its own."""

    _portal: BlockingPortal
    _routing: Routing
    _front: Front

    @property
    def clock(self) -> Clock:
        """Its time."""
        return self._routing.machine.clock

    @property
    def meter(self) -> Meter:
        """What has happened."""
        return self._routing.machine.meter

    @property
    def revisions(self) -> list[Instances]:
        """The revisions at work, in the order in which they were deployed."""
        return list(self._routing.at_work.values())

    def address(self, name: str) -> str:
        """Where SERVICE or TAG---SERVICE answers."""
        return f"http://127.0.0.1:{self._routing.ports[name]}"

    def pids(self) -> list[int]:
        """The processes of all containers that run."""
        return [container.pid for one in self.revisions for container in list(one.containers.values())]

    def billable_s(self) -> float:
        """Billed seconds until now."""
        return self.meter.billable_s()

    def leap(self, seconds: float, *, past_work: bool = False) -> None:
        """Let time pass: see `Clock.leap`."""
        self._portal.call(partial(self.clock.leap, seconds, past_work=past_work))

    def replay(self, name: str, calls: Sequence[tuple[float, str]], seconds: float) -> list[int]:
        """Let so much time leap by, with calls at their times; their statuses.

        Args:
            name: of the address: SERVICE or TAG---SERVICE.
            calls: the seconds from now, and the path, of each GET.
            seconds: until when, from now.
        """
        return self._portal.call(self._replay, self.address(name), calls, seconds)

    async def _replay(self, address: str, calls: Sequence[tuple[float, str]], seconds: float) -> list[int]:
        begin = self.clock.now()
        # Without a network between: a call has come in before time leaps on.
        transport = httpx.ASGITransport(self._front, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=address, timeout=None) as client:

            async def call(at: float, path: str) -> int:
                await self.clock.sleep_until(begin + at)
                return (await client.get(path)).status_code

            tasks = [asyncio.create_task(call(at, path)) for at, path in calls]
            await self.clock.leap(seconds)
            return await asyncio.gather(*tasks)

    def look(self) -> None:
        """Take in at once what was deployed."""
        self._portal.call(self._routing.look)


@contextmanager
def running(state: Path, ports: Mapping[str, int], meter: Meter, options: Options) -> Iterator[CloudRun]:
    """Run what is deployed, and in the end stop it.

    Args:
        state: folder of the local Google's state; what containers print goes into its folder `instances`.
        ports: of the addresses that the local Google gives out: SERVICE, TAG---SERVICE.
        meter: takes what happens.
        options: how it runs.
    """
    serving = _serving(state, ports, meter, options)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving) as (routing, front):
        yield CloudRun(portal, routing, front)


@asynccontextmanager
async def _serving(
    state: Path, ports: Mapping[str, int], meter: Meter, options: Options
) -> AsyncIterator[tuple[Routing, Front]]:
    logs = state / "instances"
    logs.mkdir(exist_ok=True)
    store = Store(state / _STATE)
    clock = Clock(options.rate, options.begin)
    meter.now = clock.now
    meter.services = frozenset(name for name in ports if "---" not in name)
    machine = Machine(clock, meter, store, options.program, logs, options.provisioning_s, options.retention_s)
    routing = Routing(machine, ports)
    front = Front(routing)
    # Headers are the container's own, and what asks for a WebSocket reaches it as the request that it also is.
    config = uvicorn.Config(
        front,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
        ws="none",
        server_header=False,
        date_header=False,
    )
    server = uvicorn.Server(config)
    # They listen from now on, whenever the server comes to accept.
    sockets = [_listening(port) for port in ports.values()]
    following = asyncio.create_task(routing.follow(state / _STATE))
    answering = asyncio.create_task(server.serve(sockets))
    try:
        yield routing, front
    finally:
        following.cancel()
        await routing.close()
        server.should_exit = True
        await answering
        await front.close()
        store.close()
        with contextlib.suppress(asyncio.CancelledError):
            await following


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(2048)
    return listener
