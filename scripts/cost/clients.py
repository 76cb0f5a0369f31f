"""What pages ask of a service while people record, and while they only have the page open."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from scripts.cost.scaling import Limits
from scripts.cost.simulation import Container, Engine, Lives, Request, Simulation
from scripts.cost.traffic import Recording, Visit

_LANES = 3
"""Requests that a page has under way for one recording (web/src/sending/lanes.ts)."""


@dataclass(frozen=True, slots=True)
class Page:
    """How a page behaves."""

    wakes_at_start: bool = True
    """It calls the service as a recording begins. Else only what is to be answered wakes it."""
    stretch_s: float | None = 12.0
    """It sends while somebody speaks, about this much at a time; None: all of it after the end."""
    served_by_instance: bool = False
    """Who opens it starts an instance."""
    holds: bool = False
    """It has a request under way as long as it is open, or until Cloud Run ends that at its timeout."""
    holds_again: bool = True
    """Then it makes the next one."""


@dataclass(frozen=True, slots=True)
class Wait:
    """From the press on stop to the full text of a recording."""

    seconds: float
    cold: bool
    """No model was loaded when the text was first asked for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What instances took, and how long people waited; seconds."""

    lives: Lives
    waits: Sequence[Wait]
    page_waits_s: Sequence[float]
    """Until the page itself could be seen, where an instance serves it."""
    audio_s: float
    """Of sound that was sent."""


def simulate(
    visits: Iterable[Visit], page: Page, engine: Engine, limits: Limits, idle_exit_s: float | None = None
) -> Outcome:
    """Let visits happen to a service."""
    simulation = Simulation(limits, engine, idle_exit_s)
    clients = _Clients(simulation, page, engine, limits.timeout_s)
    clients.come(list(visits))
    return Outcome(simulation.run(), clients.waits, clients.page_waits_s, clients.audio_s)


@dataclass
class _Clients:
    simulation: Simulation
    page: Page
    engine: Engine
    timeout_s: float
    waits: list[Wait] = field(default_factory=list)
    page_waits_s: list[float] = field(default_factory=list)
    audio_s: float = 0.0

    def come(self, visits: Sequence[Visit]) -> None:
        for visit in visits:
            for recording in visit.recordings:
                self.simulation.at(recording.start_s, partial(self._record, recording))
        if self.page.served_by_instance:
            for start, end in open_times(visits):
                self.simulation.at(start, partial(self._open, start, end))

    def _record(self, recording: Recording) -> None:
        if self.page.wakes_at_start:
            self.simulation.arrive(Request(self._woken))
        if recording.sent:
            self.audio_s += recording.length_s
            _Question(self, recording)

    def _woken(self, container: Container | None) -> None:
        if container and container.loaded_at > self.simulation.now:
            self.simulation.arrive(Request(_nothing, follows=True))

    def _open(self, start: float, end: float) -> None:
        self.simulation.arrive(Request(partial(self._shown, start, end)))

    def _shown(self, start: float, end: float, container: Container | None) -> None:
        if container:
            self.page_waits_s.append(self.simulation.now - start)
        if self.page.holds:
            self._hold(end)

    def _hold(self, end: float) -> None:
        if self.simulation.now < end:
            request = Request(_nothing, held=True)
            self.simulation.arrive(request)
            until = min(end, self.simulation.now + self.timeout_s * 0.999)
            self.simulation.at(until, partial(self._hold_next, request, end))

    def _hold_next(self, request: Request, end: float) -> None:
        # The next one comes before the last one goes, so that the instance is not idle for no time.
        if self.page.holds_again:
            self._hold(end)
        self.simulation.end(request)


class _Question:
    """Asks for the text of one recording."""

    def __init__(self, clients: _Clients, recording: Recording) -> None:
        self._clients = clients
        self._recording = recording
        self._to_send: deque[float] = deque()
        self._under_way = 0
        self._cold: bool | None = None
        self._lost = False
        stretches = list(_stretches(recording, clients.page.stretch_s))
        self._left = len(stretches)
        for at, length in stretches:
            clients.simulation.at(at, partial(self._cut, length))

    def _cut(self, length: float) -> None:
        self._to_send.append(length)
        self._send()

    def _send(self) -> None:
        simulation = self._clients.simulation
        while self._to_send and self._under_way < _LANES:
            if self._cold is None:
                self._cold = not simulation.loaded
            self._under_way += 1
            work_s = self._clients.engine.answer_s(self._to_send.popleft())
            simulation.arrive(Request(self._answered, work_s=work_s))

    def _answered(self, container: Container | None) -> None:
        self._under_way -= 1
        self._left -= 1
        self._lost |= container is None
        if self._left == 0 and not self._lost:
            wait = self._clients.simulation.now - self._recording.end_s
            self._clients.waits.append(Wait(wait, bool(self._cold)))
        self._send()


def open_times(visits: Iterable[Visit]) -> Iterator[tuple[float, float]]:
    """From when to when each user has the page open; who comes back before it is closed has it open all the while."""
    by_user: dict[int, list[tuple[float, float]]] = {}
    for visit in visits:
        times = by_user.setdefault(visit.user, [])
        if times and visit.start_s <= times[-1][1]:
            times[-1] = (times[-1][0], max(times[-1][1], visit.end_s))
        else:
            times.append((visit.start_s, visit.end_s))
    yield from sorted(time for times in by_user.values() for time in times)


def _stretches(recording: Recording, stretch_s: float | None) -> Iterator[tuple[float, float]]:
    """When each part of a recording can be sent, and its length."""
    begin, end = recording.start_s, recording.end_s
    while stretch_s is not None and end - begin > stretch_s:
        begin += stretch_s
        yield begin, stretch_s
    yield end, end - begin


def _nothing(_: Container | None) -> None:
    pass
