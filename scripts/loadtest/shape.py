"""How many people are there, as locust asks for it: those of visits that were drawn before."""

from __future__ import annotations

import time
from bisect import bisect
from collections import deque
from collections.abc import Sequence

from locust import LoadTestShape

from scripts.cost.traffic import Visit

_AHEAD_S = 2.0
"""People are there before their visit begins: locust looks at the shape once a second."""
_SPAWNED_PER_S = 100


class Replay(LoadTestShape):
    """As many people as have begun a visit and not ended it, and what each does."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.left = 0
        """Visits that are over."""
        self.found_asleep = 0
        """Recordings at whose beginning the service was not ready."""
        self.hopeless: str | None = None
        """Why nobody goes on."""
        self._visits = deque(visits)
        self._starts = [visit.start_s for visit in visits]
        self._people = 1

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self.start_time

    def tick(self) -> tuple[int, float] | None:
        """As locust asks for it: how many people there shall be, or None for the end."""
        if self.hopeless or self.left == len(self._starts):
            return None
        begun = bisect(self._starts, self.now_s + _AHEAD_S)
        # Never fewer: whom locust sends away may just be waiting for an answer. Who is left over waits for a visit.
        self._people = max(self._people, begun - self.left)
        return self._people, _SPAWNED_PER_S

    def next(self) -> Visit | None:
        """A visit that nobody has made, in order."""
        return self._visits.popleft() if self._visits else None
