"""Time in the local cloud: as on the wall, faster while nothing really works, or leaping from one event to the next."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

_TURNS = 20
"""Turns of the event loop in which whoever was woken has begun what he does."""


class Clock:
    """Seconds since 1970, in one event loop; `now` can be read from any thread.

    What only waits, such as an idle instance for its end, may wait faster than the wall's clock goes; what a process
    does takes its time. So while `work` is under way, a second is a second, whatever the rate.
    """

    def __init__(self, rate: float = 1.0, begin: float | None = None) -> None:
        self._rate = rate
        self._passed = time.time() if begin is None else begin
        self._read_at = time.monotonic()
        self._working = 0
        self._sleepers: dict[object, float] = {}
        self._changed = asyncio.Event()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._passed + (time.monotonic() - self._read_at) * self._pace()

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, at: float) -> None:
        """Wait for a time; infinity never comes."""
        me = object()
        self._sleepers[me] = at
        try:
            while (left := at - self.now()) > 0:
                try:
                    await asyncio.wait_for(self._changed.wait(), None if left == math.inf else left / self._pace())
                except TimeoutError:
                    continue
        finally:
            del self._sleepers[me]

    @contextmanager
    def work(self) -> Iterator[None]:
        """Something real is under way meanwhile."""
        self._set(self.now(), self._working + 1)
        try:
            yield
        finally:
            self._set(self.now(), self._working - 1)

    async def leap(self, seconds: float, *, past_work: bool = False) -> None:
        """Let so much time pass at once, from sleeper to sleeper, each awake at its time.

        What those do takes its time, and counts. So does other work, unless the leap goes past it.
        """
        end = self.now() + seconds
        while True:
            await self._until_quiet(past_work)
            if self.now() >= end:
                return
            nearest = min(self._sleepers.values(), default=math.inf)
            self._set(max(self.now(), min(nearest, end)), self._working)

    async def _until_quiet(self, past_work: bool) -> None:
        turns = 0
        while turns < _TURNS:
            await asyncio.sleep(0)
            turns += 1
            while self._working and not past_work:
                await self._changed.wait()
                turns = 0

    def _pace(self) -> float:
        return 1.0 if self._working else self._rate

    def _set(self, now: float, working: int) -> None:
        self._passed, self._read_at, self._working = now, time.monotonic(), working
        # Whoever sleeps reckons anew how long that is.
        self._changed.set()
        self._changed = asyncio.Event()
