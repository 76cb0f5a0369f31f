"""What the meter of a Cloud Run has seen: the lives of instances and the requests, in the cloud's time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from scripts.cost.instance import Instance

if TYPE_CHECKING:
    from .description import Revision, Service


@dataclass(frozen=True)
class Life:
    """An instance and what it is one of."""

    service: str
    revision: Revision
    instance: Instance


@dataclass(frozen=True)
class Served:
    """A request that has ended; times in seconds since 1970.

    `sent` is None where no instance had it. `status` is what the client was told, 0 if nothing.
    """

    service: str
    revision: Revision
    instance: int | None
    arrived: float
    sent: float | None
    ended: float
    method: str
    path: str
    status: int


@dataclass
class Meter:
    """All of it, in the order in which it began, or ended. Read from any thread."""

    lives: list[Life] = field(default_factory=list)
    requests: list[Served] = field(default_factory=list)
    now: Callable[[], float] = time.time
    """The time where it stands, seconds since 1970."""
    services: frozenset[str] = frozenset()
    """The ids of those whose instances it sees."""

    def billable_s(self) -> float:
        """Billed seconds of all instances until now."""
        return sum(life.instance.billable_s(self.now()) for life in list(self.lives))

    def rollout(self, service: str, uid: str) -> Literal["starting", "ready", "failed"]:
        """How far a revision of a service by its full name is; one that nobody starts here is ready.

        What came first decides for good: an instance that was ready, or one that ended before it was. The revision
        goes by its uid: a service that was deleted and made again has revisions of the same names.
        """
        if service.rpartition("/")[2] not in self.services:
            return "ready"
        lives = [one.instance for one in list(self.lives) if one.revision.uid == uid]
        ready = min((one.ready for one in lives if one.ready is not None), default=math.inf)
        failed = min((one.ended for one in lives if one.ready is None and one.ended is not None), default=math.inf)
        if ready == failed == math.inf:
            return "starting"
        return "ready" if ready < failed else "failed"

    def born(self, service: Service, revision: Revision, instance: Instance) -> None:
        """An instance is being made; what becomes of it is seen in it."""
        self.lives.append(Life(service.name, revision, instance))
