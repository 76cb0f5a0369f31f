"""How far a cold start has come, for everyone who waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from kikitori.engines.protocol import Phase
from kikitori.errors import Code, ServiceError

Status = Literal["loading", "ready", "failed"]


@dataclass(slots=True)
class _Progress:
    phase: Phase
    started: float
    ended: float | None = None
    done: int | None = None
    total: int | None = None


class Startup:
    """The phases of one cold start. Lives on the event loop; any number of readers may follow it.

    Args:
        process_started: when the process began, on the clock of `time.monotonic`, in seconds.
    """

    def __init__(self, process_started: float) -> None:
        self._process_started = process_started
        self._phases = [_Progress(Phase.PROCESS, process_started)]
        self._ended: float | None = None
        self._error: ServiceError | None = None
        self._changed = asyncio.Event()

    @property
    def status(self) -> Status:
        """Where the start stands."""
        if self._error:
            return "failed"
        return "loading" if self._ended is None else "ready"

    @property
    def seconds(self) -> float:
        """From the start of the process until ready, or until now."""
        return (self._ended or time.monotonic()) - self._process_started

    def report(self, phase: Phase, done: int | None = None, total: int | None = None) -> None:
        """Enter a phase, or move on within it; sizes are bytes."""
        if self._phases[-1].phase is not phase:
            now = time.monotonic()
            self._phases[-1].ended = now
            self._phases.append(_Progress(phase, now))
        self._phases[-1].done, self._phases[-1].total = done, total
        self._notify()

    def finish(self, failure: str | None = None) -> None:
        """End the start: ready, or failed with what to do about it."""
        self._ended = self._phases[-1].ended = time.monotonic()
        if failure is not None:
            self._error = ServiceError(Code.MODEL_LOAD_FAILED, failure)
        self._notify()

    async def until_ready(self) -> None:
        """Wait for the end of the start.

        Raises:
            ServiceError: it failed.
        """
        async for _ in self.snapshots():
            pass
        if self._error:
            raise self._error

    async def snapshots(self) -> AsyncIterator[dict[str, object]]:
        """The state now and after every change, until the start is over."""
        while True:
            changed = self._changed
            yield self.snapshot()
            if self.status != "loading":
                return
            await changed.wait()

    def snapshot(self) -> dict[str, object]:
        """The state as the wire carries it; times in seconds, sizes in bytes."""
        body: dict[str, object] = {
            "status": self.status,
            "phase": self._phases[-1].phase if self.status == "loading" else self.status,
            "seconds": round(self.seconds, 3),
            "phases": [_wire(progress) for progress in self._phases],
        }
        return body | self._error.body() if self._error else body

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _wire(progress: _Progress) -> dict[str, object]:
    body: dict[str, object] = {
        "phase": progress.phase,
        "status": "running" if progress.ended is None else "done",
        "seconds": round((progress.ended or time.monotonic()) - progress.started, 3),
    }
    if progress.total is not None:
        body |= {"bytes": progress.done, "total_bytes": progress.total}
    return body
