"""What recordings make of a service on Cloud Run: instances, their seconds, and how long people wait.

A simulation of discrete events, whose clock leaps from one to the next. Cloud Run is an `Autoscaler`, by the rules of
scaling.py; the service, which loads and answers, is here; the page, which asks, is in clients.py.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from scripts.cost.instance import Instance
from scripts.cost.scaling import Action, Answer, Autoscaler, Limits, Send, Start, Stop


@dataclass(frozen=True, slots=True)
class Engine:
    """How fast an instance is; seconds."""

    provisioning_s: float
    """From the decision to start until the container runs: machine, GPU, image. Not billed."""
    open_s: float
    """From there until its port is open and requests reach it."""
    load_s: float
    """From the start of the container until the model answers."""
    fixed_s: float
    """Of an answer, however short the sound."""
    s_per_audio_s: float
    """Of an answer, for each second of sound."""
    concurrency: int = 8
    """Answers at once, each as fast as alone."""
    stop_s: float = 1.0
    """From SIGTERM until the container is gone."""

    @property
    def cold_start_s(self) -> float:
        """From the first request to a model that answers."""
        return self.provisioning_s + self.load_s

    def answer_s(self, audio_s: float) -> float:
        """Of an answer to that much sound."""
        return self.fixed_s + self.s_per_audio_s * audio_s


@dataclass(eq=False)
class Container:
    """The service in an instance."""

    instance: Instance
    loaded_at: float
    """When its model answers."""
    waiting: deque[Request] = field(default_factory=deque)
    running: int = 0
    busy_since: float = 0.0
    idle_since: float = 0.0
    answering_s: float = 0.0
    answers: int = 0
    gone: bool = False


@dataclass(eq=False)
class Request:
    """Something that a client asked of the service.

    It takes no time (a call that wakes the service); or until the model is loaded (`follows`, a cold start that is
    watched); or `work_s` beyond that, when there is room (an answer); or until its client ends it (`held`).
    """

    ended: Callable[[Container | None], None]
    """Called with the container that answered, or with None where Cloud Run itself did: 429, 503, 504."""
    follows: bool = False
    work_s: float | None = None
    held: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True)
class Lives:
    """What instances took; seconds."""

    billed_s: float
    """Instance-based billing: the whole lives of instances."""
    waking_s: float
    """Of these, until the model was loaded."""
    answering_s: float
    """Of these, with at least one answer under way."""
    handling_s: float
    """Request-based billing: instances that start, have a request, or stop."""
    starts: int
    unused_starts: int
    """Instances that never answered anything."""
    unused_s: float
    """Of what was billed, theirs."""
    refused: Counter[int]
    """Requests that Cloud Run answered in place of an instance, by status."""

    @property
    def idle_s(self) -> float:
        """Billed, loaded, and without an answer under way."""
        return self.billed_s - self.waking_s - self.answering_s


class Simulation:
    """One service, and the time in which everything happens: seconds from 0 on.

    Args:
        limits: of the revision.
        engine: of its instances.
        idle_exit_s: the service's setting of that name.
    """

    def __init__(self, limits: Limits, engine: Engine, idle_exit_s: float | None = None) -> None:
        self.now = 0.0
        self._engine = engine
        self._idle_exit_s = idle_exit_s
        self._scaler = Autoscaler(limits)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._containers: dict[int, Container] = {}
        self._refused: Counter[int] = Counter()

    @property
    def loaded(self) -> bool:
        """Whether a model would answer now."""
        return any(not one.gone and one.loaded_at <= self.now for one in self._containers.values())

    def at(self, time: float, act: Callable[[], None]) -> None:
        """Let something happen at a time from now on."""
        heapq.heappush(self._events, (time, next(self._numbers), act))

    def arrive(self, request: Request) -> None:
        """A request comes in."""
        self._do(self._scaler.arrived(self.now, request))

    def end(self, request: Request) -> None:
        """A request ends now: its client is content."""
        request.over = True
        self._do(self._scaler.finished(self.now, request))

    def run(self) -> Lives:
        """Let everything happen, until the last instance is gone."""
        while (tick_at := self._scaler.next_at()) < math.inf or self._events:
            if self._events and self._events[0][0] <= tick_at:
                self.now, _, act = heapq.heappop(self._events)
                act()
            else:
                self.now = max(self.now, tick_at)
                self._do(self._scaler.tick(self.now))
        return self._lives()

    # Cloud Run.

    def _do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Start(number):
                    self.at(self.now + self._engine.provisioning_s, partial(self._started, number))
                case Send(Request() as request, number):
                    self._sent(request, self._containers[number])
                case Answer(Request() as request, status):
                    self._refused[status] += 1
                    request.over = True
                    self.at(self.now, partial(request.ended, None))
                case Stop(number):
                    self.at(self.now + self._engine.stop_s, partial(self._end, self._containers[number]))

    def _started(self, number: int) -> None:
        container = Container(self._scaler.instances[number], self.now + self._engine.load_s)
        self._containers[number] = container
        self._do(self._scaler.started(self.now, number))
        self.at(self.now + self._engine.open_s, partial(self._opened, container))
        self.at(container.loaded_at, partial(self._idles, container))

    def _opened(self, container: Container) -> None:
        if not container.gone:
            self._do(self._scaler.ready(self.now, container.instance.number))

    def _end(self, container: Container) -> None:
        if not container.gone:
            container.gone = True
            self._do(self._scaler.ended(self.now, container.instance.number))

    # The service.

    def _sent(self, request: Request, container: Container) -> None:
        if request.held:
            return
        if request.work_s is not None:
            container.waiting.append(request)
            container.idle_since = math.inf
            self.at(max(self.now, container.loaded_at), partial(self._work, container))
        else:
            if not request.follows and container.loaded_at <= self.now:
                self._idles(container)
            until = max(self.now, container.loaded_at) if request.follows else self.now
            self.at(until, partial(self._answer, request, container))

    def _work(self, container: Container) -> None:
        while container.waiting and container.running < self._engine.concurrency and not container.gone:
            request = container.waiting.popleft()
            if not container.running:
                container.busy_since = self.now
            container.running += 1
            self.at(self.now + (request.work_s or 0.0), partial(self._worked, request, container))

    def _worked(self, request: Request, container: Container) -> None:
        if container.gone:
            return
        container.running -= 1
        container.answers += 1
        if not container.running:
            container.answering_s += self.now - container.busy_since
        self._work(container)
        self._idles(container)
        self._answer(request, container)

    def _answer(self, request: Request, container: Container) -> None:
        if not request.over:
            self.end(request)
            request.ended(container)

    def _idles(self, container: Container) -> None:
        """From now on, if nothing is under way: the setting IDLE_EXIT_S counts from here."""
        if container.running or container.waiting:
            return
        container.idle_since = self.now
        if self._idle_exit_s is not None:
            self.at(self.now + self._idle_exit_s, partial(self._exit, container, self.now))

    def _exit(self, container: Container, since: float) -> None:
        if container.idle_since == since:
            self._end(container)

    def _lives(self) -> Lives:
        lives = list(self._containers.values())
        billed = [one.instance.billable_s(self.now) for one in lives]
        waking = [
            min(one.loaded_at - (one.instance.started or 0.0), all_of_it)
            for one, all_of_it in zip(lives, billed, strict=True)
        ]
        unused = [all_of_it for one, all_of_it in zip(lives, billed, strict=True) if not one.answers]
        return Lives(
            billed_s=sum(billed),
            waking_s=sum(waking),
            answering_s=sum(one.answering_s for one in lives),
            handling_s=sum(billed) - sum(one.instance.idle_s(self.now) - self._engine.stop_s for one in lives),
            starts=len(lives),
            unused_starts=len(unused),
            unused_s=sum(unused),
            refused=self._refused,
        )
