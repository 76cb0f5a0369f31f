"""The rules by which Cloud Run starts, fills and ends the instances of a revision.

There is no clock and nothing is done here: who drives an `Autoscaler` tells it what happened and when (seconds on any
clock that only goes forward), and gets back what Cloud Run would do now. A simulation drives it with a virtual clock,
the local Cloud Run of the tests with a real one.

What Google documents is named where it is used: [autoscaling]
(https://docs.cloud.google.com/run/docs/about-instance-autoscaling), [contract]
(https://docs.cloud.google.com/run/docs/container-contract), [timeout]
(https://docs.cloud.google.com/run/docs/configuring/request-timeout). Where that leaves a choice the docstring says
"assumed".
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from scripts.cost.instance import Instance

WINDOW_S = 60.0
"""Time over which concurrency is averaged [autoscaling]."""
EVALUATION_S = 5.0
"""Time between two looks at that average (an earlier text of [autoscaling]; the present one says "periodically")."""


@dataclass(frozen=True)
class Limits:
    """Settings of a revision that decide about its instances, by Cloud Run's defaults."""

    concurrency: int = 80
    """Requests at once in one instance."""
    min_instances: int = 0
    max_instances: int = 100
    timeout_s: float = 300.0
    """From a request's arrival to the end of its answer; the start of an instance counts in [timeout]."""
    retention_s: float = 600.0
    """How long an instance without requests is kept: at most 15 minutes [contract], with a GPU 10 [autoscaling].
    Google promises no minimum."""
    target: float = 0.6
    """Share of `concurrency` that an instance is to have on average [autoscaling]."""


@dataclass(frozen=True)
class Start:
    """A new instance is to be provisioned and its container started."""

    instance: int


@dataclass(frozen=True)
class Send:
    """The request goes to the instance."""

    request: Hashable
    instance: int


@dataclass(frozen=True)
class Answer:
    """Cloud Run itself ends the request: 429 no instance came free, 503 its instance ended, 504 out of time."""

    request: Hashable
    status: int


@dataclass(frozen=True)
class Stop:
    """The instance is to end: SIGTERM, and SIGKILL ten seconds later [contract]."""

    instance: int


Action = Start | Send | Answer | Stop


def wait_limit_s(startups_s: Iterable[float]) -> float:
    """How long a request waits at the cap before its 429: 3.5 average startups, at least 10 s [autoscaling].

    Assumed: a startup is the time from the decision to the passed probe, which is what a request waits for; and where
    no instance has started yet, there is no average, and a request waits until its timeout.
    """
    known = list(startups_s)
    return max(10.0, 3.5 * sum(known) / len(known)) if known else math.inf


def wanted_instances(average_concurrency: float, limits: Limits) -> int:
    """How many instances bring the average of a minute down to the target share [autoscaling].

    CPU utilisation, the other driver, is left out: it needs a measured CPU, and a GPU service waits for its GPU.
    """
    return math.ceil(round(average_concurrency / (limits.target * limits.concurrency), 9))


@dataclass
class _Request:
    name: Hashable
    arrived: float
    instance: Instance | None = None


class Autoscaler:
    """The instances of one revision and the requests that they serve or that wait for them.

    Each method tells what happened at `now` and returns what is to be done then, in this order. Times must not
    decrease. An instance's number is never used again.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.instances: dict[int, Instance] = {}
        """All that were ever started, those that ended too: the meter reads them."""
        self._live: dict[int, Instance] = {}
        self._requests: dict[Hashable, _Request] = {}
        self._waiting: deque[_Request] = deque()
        self._startups_s: list[float] = []
        self._load: deque[tuple[float, int]] = deque()
        self._evaluated = -math.inf
        self._receives_traffic = True

    @property
    def waiting(self) -> int:
        """Requests that wait for an instance."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Requests that were sent to an instance and are not yet answered."""
        return len(self._requests) - len(self._waiting)

    def deploy(self, now: float) -> list[Action]:
        """The revision is new: one instance, or `min_instances`, starts without a request, to see that it can.

        Such an instance then idles like any other (https://docs.cloud.google.com/run/docs/configuring/healthchecks).
        """
        return [*self._start(now, max(1, self.limits.min_instances)), *self._settle(now)]

    def receive_traffic(self, now: float, receives: bool) -> list[Action]:
        """The revision gets requests from now on, or none: then no minimum of instances holds.

        Assumed: instances of a revision without traffic idle as long as others.
        """
        self._receives_traffic = receives
        return self._settle(now)

    def arrived(self, now: float, request: Hashable) -> list[Action]:
        """A request came in."""
        self._requests[request] = _Request(request, now)
        self._waiting.append(self._requests[request])
        return self._settle(now)

    def finished(self, now: float, request: Hashable) -> list[Action]:
        """A request was answered by its instance, or its client is gone. Nothing, if Cloud Run answered it before."""
        self._take(now, request)
        return self._settle(now)

    def started(self, now: float, instance: int) -> list[Action]:
        """The instance is provisioned and its container starts: billing begins."""
        self._live[instance].started = now
        return self._settle(now)

    def ready(self, now: float, instance: int) -> list[Action]:
        """The startup probe of the instance passed."""
        one = self._live[instance]
        one.ready = one.since = now
        self._startups_s.append(now - one.asked)
        return self._settle(now)

    def ended(self, now: float, instance: int) -> list[Action]:
        """The container of the instance is gone, told to or not; its requests get a 503.

        Assumed: where it was the only one and never became ready, so do those that waited for it.
        """
        one = self._live.pop(instance)
        lost = [request for request in self._requests if request in one.in_flight]
        if one.ready is None and one.stopping is None and not self._usable():
            lost += [request.name for request in self._waiting]
        for request in lost:
            self._take(now, request)
        one.ended = now
        return [*(Answer(request, 503) for request in lost), *self._settle(now)]

    def tick(self, now: float) -> list[Action]:
        """Time went by: see `next_at`."""
        return self._settle(now)

    def next_at(self) -> float:
        """When `tick` has something to do if nothing else happens before; infinity if never."""
        times = [request.arrived + self.limits.timeout_s for request in self._requests.values()]
        if self._waiting and self._at_cap():
            times.append(self._waiting[0].arrived + wait_limit_s(self._startups_s))
        idle = self._idle()
        if len(self._usable()) > self._floor():
            times += [one.since + self.limits.retention_s for one in idle]
        if self._requests and not self._at_cap():
            times.append(self._evaluated + EVALUATION_S)
        return min(times, default=math.inf)

    def _settle(self, now: float) -> list[Action]:
        late = [one.name for one in self._requests.values() if one.arrived + self.limits.timeout_s <= now]
        for request in late:
            self._take(now, request)
        actions: list[Action] = [Answer(request, 504) for request in late]
        actions += self._place(now)
        self._load.append((now, len(self._requests)))
        actions += self._start(now, self._missing(now))
        while self._waiting and self._at_cap() and self._waiting[0].arrived + wait_limit_s(self._startups_s) <= now:
            request = self._waiting[0].name
            self._take(now, request)
            actions.append(Answer(request, 429))
        for one in self._idle():
            if len(self._usable()) > self._floor() and one.since + self.limits.retention_s <= now:
                one.stopping = now
                actions.append(Stop(one.number))
        return actions

    def _place(self, now: float) -> Iterator[Action]:
        """Send what waits, the oldest first. Assumed: the least busy instance gets it, of equals the oldest."""
        while self._waiting:
            free = [one for one in self._usable() if one.ready is not None]
            one = min(free, key=lambda instance: len(instance.in_flight), default=None)
            if one is None or len(one.in_flight) >= self.limits.concurrency:
                return
            request = self._waiting.popleft()
            if not one.in_flight:
                one.since = now
            request.instance = one
            one.in_flight.add(request.name)
            one.served += 1
            yield Send(request.name, one.number)

    def _missing(self, now: float) -> int:
        """Instances to start: for who waits and finds no place in one that starts, for the average, for the minimum.

        Where there is none, only a request starts one [autoscaling], whatever the average of the last minute.
        """
        usable = self._usable()
        starting = sum(one.ready is None for one in usable)
        homeless = len(self._waiting) - starting * self.limits.concurrency
        missing = max(math.ceil(homeless / self.limits.concurrency), self._floor() - len(usable))
        if now >= self._evaluated + EVALUATION_S and (usable or self._requests):
            self._evaluated = now
            missing = max(missing, wanted_instances(self._average(now), self.limits) - len(usable))
        return missing

    def _start(self, now: float, count: int) -> list[Action]:
        room = self.limits.max_instances - len(self._usable())
        begun = [Instance(len(self.instances) + i, asked=now) for i in range(min(count, room))]
        for one in begun:
            self.instances[one.number] = self._live[one.number] = one
        return [Start(one.number) for one in begun]

    def _take(self, now: float, request: Hashable) -> None:
        """Forget a request, wherever it is."""
        one = self._requests.pop(request, None)
        if one is None:
            return
        if one.instance is None:
            self._waiting.remove(one)
            return
        one.instance.in_flight.remove(request)
        if not one.instance.in_flight:
            one.instance.busy_s += now - one.instance.since
            one.instance.since = now

    def _usable(self) -> list[Instance]:
        return [one for one in self._live.values() if one.stopping is None]

    def _idle(self) -> list[Instance]:
        """Instances without a request, the one that has been so for longest first."""
        idle = [one for one in self._usable() if one.ready is not None and not one.in_flight]
        return sorted(idle, key=lambda one: one.since)

    def _at_cap(self) -> bool:
        return len(self._usable()) >= self.limits.max_instances

    def _floor(self) -> int:
        """The minimum that holds. Assumed: a revision that could not start has none until an instance can."""
        failed = not self._startups_s and any(one.ended is not None for one in self.instances.values())
        return self.limits.min_instances if self._receives_traffic and not failed else 0

    def _average(self, now: float) -> float:
        """Requests at once, waiting ones too, on average over the window before now."""
        begin = now - WINDOW_S
        while len(self._load) > 1 and self._load[1][0] <= begin:
            self._load.popleft()
        points = [(max(time, begin), count) for time, count in self._load]
        ends = [time for time, _ in points[1:]] + [now]
        return sum(count * (end - time) for (time, count), end in zip(points, ends, strict=True)) / WINDOW_S
