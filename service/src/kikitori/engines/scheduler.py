"""The one inference thread: loads the engine, decides who runs, and keeps the event loop free."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kikitori.engines.job import Job
from kikitori.engines.meter import Meter
from kikitori.engines.protocol import Advance, Engine, Phase, Request
from kikitori.engines.startup import Startup
from kikitori.errors import Code, ServiceError, StartupError, model_failed

_log = logging.getLogger(__name__)

_CLOSE_S = 1.5
"""How long a step may still take when the service ends; the platform kills it soon after."""


class Scheduler:
    """Bounded admission in front of an engine.

    At most `concurrency` answers run at once, stepped in turn, and at most `queue_size` more are admitted to wait.

    Args:
        engine: what runs; owned by the inference thread from `open` on.
        startup: told of the load's progress.
        on_failure: called on the event loop when the load has failed, after everyone waiting was told.
    """

    def __init__(
        self,
        engine: Engine[Any],
        startup: Startup,
        *,
        concurrency: int,
        queue_size: int,
        on_failure: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._startup = startup
        self._concurrency = concurrency
        self._places = concurrency + queue_size
        self._on_failure = on_failure
        self._admitted = 0
        self._idle_since = time.monotonic()
        self._mean_s = 1.0
        self._meter = Meter()
        self._waiting: deque[Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    # The event loop's side.

    def open(self) -> None:
        """Begin to load, in the background."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """End the thread after its current step."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join, _CLOSE_S)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold one of the places, from before the audio is decoded until the answer has been sent.

        Raises:
            ServiceError: all places are taken.
        """
        if self._admitted >= self._places:
            wait = math.ceil(min(60.0, max(1.0, self._mean_s * self._places / self._concurrency)))
            raise ServiceError(
                Code.QUEUE_FULL,
                f"All {self._places} places are taken. Try again in {wait} s.",
                retry_after_s=wait,
            )
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1
            self._idle_since = time.monotonic()

    @property
    def in_flight(self) -> int:
        """Requests that hold a place."""
        return self._admitted

    @property
    def idle_s(self) -> float:
        """Seconds since anybody wanted something; 0 while a request is in flight or the engine loads."""
        busy = self._admitted or self._startup.status == "loading"
        return 0.0 if busy else time.monotonic() - self._idle_since

    def wanted(self) -> None:
        """Somebody is about to ask: nothing has been idle until now."""
        self._idle_since = time.monotonic()

    def submit(self, request: Request) -> Job:
        """Queue an answer; it runs once the engine is ready and there is room."""
        job = Job(request)
        with self._wake:
            self._waiting.append(job)
            self._wake.notify()
        return job

    # The inference thread's side.

    def _run(self) -> None:
        if self._load():
            self._serve()
            self._engine.close()

    def _load(self) -> bool:
        failure = None
        try:
            self._engine.load(self._report)
        except StartupError as error:
            failure = str(error)
        except Exception as error:
            _log.exception("the model could not be loaded")
            failure = f"The model could not be loaded: {error!r}"
        self._tell(self._loaded, failure)
        if failure is not None:
            _log.critical(failure)
            self._tell(self._on_failure)
            return False
        self._meter.woke(self._startup.seconds)
        return True

    def _loaded(self, failure: str | None) -> None:
        self._startup.finish(failure)
        self.wanted()

    def _report(self, phase: Phase, done: int | None = None, total: int | None = None) -> None:
        self._tell(self._startup.report, phase, done, total)

    def _serve(self) -> None:
        running: dict[Job, Any] = {}
        while self._take(running):
            for job in [job for job in running if job.cancelled]:
                self._engine.cancel(running.pop(job))
            if running:
                self._step(running)

    def _take(self, running: dict[Job, Any]) -> bool:
        """Fill free places from the queue, sleeping while there is nothing to do; False when it is time to end."""
        with self._wake:
            asleep = time.monotonic()
            while not (self._closing or self._waiting or running):
                self._wake.wait()
            self._meter.idled(time.monotonic() - asleep)
            if self._closing:
                return False
            room = self._concurrency - len(running)
            taken = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
        for job in taken:
            if job.cancelled:
                continue
            try:
                running[job] = self._engine.start(job.request)
            except ServiceError as error:
                self._tell(job.announce, error)
            except Exception:
                _log.exception("the engine could not start on a request")
                self._tell(job.announce, model_failed())
            else:
                job.started = time.monotonic()
                self._tell(job.announce, None)
        return True

    def _step(self, running: dict[Job, Any]) -> None:
        began = time.monotonic()
        jobs = list(running)
        try:
            advances = self._engine.step([running[job] for job in jobs])
        except Exception:
            _log.exception("a step of the engine failed")
            for job in jobs:
                self._engine.cancel(running.pop(job))
                self._tell(job.announce, model_failed())
            return
        share_s = (time.monotonic() - began) / len(jobs)
        for job, advance in zip(jobs, advances, strict=True):
            self._account(job, advance, share_s)
            if advance.error:
                self._engine.cancel(running.pop(job))
            elif advance.finish:
                del running[job]
            self._tell(job.announce, advance)

    def _account(self, job: Job, advance: Advance, share_s: float) -> None:
        job.compute_s += share_s
        job.prefill_s += advance.prefill_s
        job.input_tokens += advance.input_tokens
        job.output_tokens += sum(piece.tokens for piece in advance.pieces)
        job.language = advance.language or job.language
        job.notes = advance.notes
        if advance.finish:
            job.finish = advance.finish
            job.finished = time.monotonic()
            job.bill = self._meter.bill(job.compute_s)
            self._mean_s += 0.2 * (job.finished - (job.started or job.submitted) - self._mean_s)

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop has closed: nobody is left to hear it
            _log.debug("nobody left to tell %s", call)
