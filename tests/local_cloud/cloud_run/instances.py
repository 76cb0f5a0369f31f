"""A revision at work: its autoscaler decides, and here is done what it decides."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.cost.scaling import Action, Answer, Autoscaler, Limits, Send, Start, Stop
from tests.local_cloud.store import Store

from . import container, probes
from .clock import Clock
from .container import Container, Program
from .description import Probe, Revision, Service
from .meter import Meter

_LOOK_S = 0.05
_GRACE_S = 10
"""From SIGTERM to SIGKILL: https://docs.cloud.google.com/run/docs/container-contract."""


@dataclass(frozen=True)
class Machine:
    """What instances are made with and on."""

    clock: Clock
    meter: Meter
    store: Store
    program: Program
    logs: Path
    """Folder for what the containers print, a file for each instance."""
    provisioning_s: float | None
    """Until the container starts; None: as long as with its GPU, or without."""
    retention_s: float | None
    """For which an idle instance is kept; None: as long as with a GPU, or without."""

    def limits(self, revision: Revision) -> Limits:
        """Those of a revision here."""
        return revision.limits if self.retention_s is None else replace(revision.limits, retention_s=self.retention_s)


class Visit:
    """A request on its way through Cloud Run."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.origin: asyncio.Future[str] = loop.create_future()
        """Where the instance that it was sent to listens."""
        self.answered: asyncio.Future[int] = loop.create_future()
        """The status with which Cloud Run itself ends it."""
        self.instance: int | None = None
        self.sent: float | None = None


@dataclass
class Instances:
    """The instances of a revision and the visits to it, in one event loop."""

    machine: Machine
    service: Service
    revision: Revision
    ready: bool = False
    """Whether an instance of it was ever ready."""
    scaler: Autoscaler = field(init=False)
    containers: dict[int, Container] = field(default_factory=dict)
    """Those that run."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _lives: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _timer: asyncio.Task[None] | None = None
    _closing: bool = False
    _told_at: float = 0.0

    def __post_init__(self) -> None:
        self.scaler = Autoscaler(self.machine.limits(self.revision))

    def deploy(self) -> None:
        """Start an instance to see that it can."""
        self._do(self.scaler.deploy(self._now()))

    def receive_traffic(self, receives: bool) -> None:
        """Whether requests come from now on."""
        self._do(self.scaler.receive_traffic(self._now(), receives))

    def enter(self, visit: Visit) -> None:
        """A request comes in: in time it is sent to an instance, or answered."""
        self._do(self.scaler.arrived(self._now(), visit))

    def leave(self, visit: Visit) -> None:
        """It has ended, in whatever way."""
        self._do(self.scaler.finished(self._now(), visit))

    async def close(self) -> None:
        """End everything, with SIGTERM."""
        self._closing = True
        for number, life in self._lives.items():
            if self.scaler.instances[number].started is None:
                life.cancel()
        # One that is just being started has no container yet.
        while living := {number: life for number, life in self._lives.items() if not life.done()}:
            await asyncio.gather(*(self._stop(number) for number in living if number in self.containers))
            await asyncio.wait(living.values(), timeout=_LOOK_S)
        left = [one for one in (self._timer, *self._tasks) if one]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _now(self) -> float:
        # Two readings of a clock may be in the wrong order by the last digit of a float.
        self._told_at = max(self._told_at, self.machine.clock.now())
        return self._told_at

    def _do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Start(number) if self._closing:
                    self.scaler.instances[number].ended = self._told_at
                case Start(number):
                    self.machine.meter.born(self.service, self.revision, self.scaler.instances[number])
                    self._lives[number] = self._begin(self._live(number))
                case Send(Visit() as visit, number):
                    visit.instance, visit.sent = number, self._told_at
                    visit.origin.set_result(self.containers[number].origin)
                case Answer(Visit() as visit, status):
                    visit.answered.set_result(status)
                case Stop(number):
                    self._begin(self._stop(number))
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.create_task(self._tick_at(self.scaler.next_at()))

    async def _tick_at(self, at: float) -> None:
        await self.machine.clock.sleep_until(at)
        self._timer = None
        # The time at which it was to be, however late this task woke up.
        self._told_at = max(self._told_at, at)
        self._do(self.scaler.tick(self._told_at))

    def _begin(self, doing: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _live(self, number: int) -> None:
        machine = self.machine
        provisioning_s = self.revision.provisioning_s if machine.provisioning_s is None else machine.provisioning_s
        await machine.clock.sleep(provisioning_s)
        with machine.clock.work():
            log = machine.logs / f"{self.revision.name}-{number}.log"
            self._do(self.scaler.started(self._now(), number))
            try:
                running = await container.start(machine.program, self.service, self.revision, machine.store, log)
            except (LookupError, OSError) as error:
                log.write_text(f"The container cannot be started: {error}\n", encoding="utf-8")
                self._do(self.scaler.ended(self._now(), number))
                return
            self.containers[number] = running
            if await probes.starts(running, self.revision.startup, machine.clock):
                self.ready = True
                self._do(self.scaler.ready(self._now(), number))
            else:
                await running.kill()
        if probe := self.revision.liveness:
            self._begin(self._watch(running, probe))
        await running.ended
        del self.containers[number]
        self._do(self.scaler.ended(self._now(), number))

    async def _watch(self, running: Container, probe: Probe) -> None:
        """Kill a container that does not work any more."""
        await _first(probes.fails(running, probe, self.machine.clock), running.ended)
        with self.machine.clock.work():
            await running.kill()

    async def _stop(self, number: int) -> None:
        clock, running = self.machine.clock, self.containers.get(number)
        if running is None:  # it has ended by itself just now
            return
        with clock.work():
            running.terminate()
            await _first(clock.sleep(_GRACE_S), running.ended)
            await running.kill()


async def _first(doing: Coroutine[None, None, None], other: asyncio.Task[int]) -> None:
    """Wait until one of them has ended; the first does not outlive this."""
    task = asyncio.create_task(doing)
    await asyncio.wait({task, other}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
