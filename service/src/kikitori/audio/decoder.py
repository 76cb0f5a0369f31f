"""Decodes uploads beside the service: whatever a bad file does to native code, the service goes on.

Each decode runs in a worker process that is reused, bounded in memory and time, and killed when its request is given
up. What travels to and from the workers is packed on threads, not on the event loop. Only what needs no native code,
the page's own recordings, is read here: the way to a worker and back takes longer than that.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import wave
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from kikitori.audio.clip import SAMPLE_RATE, Clip
from kikitori.errors import Code, ServiceError

if TYPE_CHECKING:
    from kikitori.audio.decode import Samples

_WORKERS = 2
_WORKER_MEMORY_BYTES = 4 << 30
"""Address space of a worker; far above what decoding needs, far below what a decompression bomb wants."""
_LONGEST_S = 60.0
"""Seconds for one file, many times what half an hour of audio takes."""


class AudioDecoder:
    """Makes clips of files, at most `_WORKERS` at a time."""

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._context = _Context()
        self._pool = ProcessPool(_WORKERS, initializer=_prepare, context=self._context)

    async def warm_up(self) -> None:
        """Start a worker and load the voice activity detector, so that no request waits for them."""
        silence = io.BytesIO()
        with wave.open(silence, "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, SAMPLE_RATE, "NONE", ""))
            file.writeframes(bytes(2 * SAMPLE_RATE))
        # On a thread: imports and new processes take the event loop's time when it is about to open the port.
        future = await asyncio.to_thread(self._schedule, silence.getvalue())
        clip = Clip(await asyncio.wrap_future(future))
        await asyncio.to_thread(lambda: clip.windows)

    async def decode(self, data: bytes) -> Clip:
        """Decode a whole file.

        Raises:
            ServiceError: the file is no usable audio; see `kikitori.audio.decode.decode`.
        """
        from kikitori.audio.decode import plain

        samples = await asyncio.to_thread(plain, data, self._max_seconds)
        return Clip(await self._decoded(data) if samples is None else samples)

    async def close(self) -> None:
        """End the workers, whatever they do."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        # The pool takes their locks away first, of which one that is still starting would complain.
        for worker in list(self._context.processes):
            if worker.is_alive():
                worker.kill()
        await asyncio.to_thread(self._pool.join)

    async def _decoded(self, data: bytes) -> Samples:
        try:
            return await self._run(data)
        except ProcessExpired:
            # It may have been killed for another reason, so the file is blamed only when it happens again.
            try:
                return await self._run(data)
            except ProcessExpired as error:
                raise ServiceError(
                    Code.INVALID_AUDIO,
                    "The file is damaged: decoding it crashed the decoder, twice. Convert it to WAV.",
                    "file",
                ) from error

    async def _run(self, data: bytes) -> Samples:
        try:
            # Cancelling the future kills the worker; the pool starts another.
            return await asyncio.wrap_future(self._schedule(data))
        except TimeoutError as error:
            raise ServiceError(
                Code.INVALID_AUDIO, f"Decoding the file took more than {_LONGEST_S:g} s. Convert it to WAV.", "file"
            ) from error

    def _schedule(self, data: bytes) -> ProcessFuture[Samples]:
        from kikitori.audio.decode import decode

        # Ctrl-C goes to the whole group. Workers have the mask of the thread that starts their pool, the first to come
        # here; without it, one that is still importing would complain. Starting the tracker unblocks the signal again.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return self._pool.schedule(decode, args=(data, self._max_seconds), timeout=_LONGEST_S)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(SpawnContext):
    """Spawns, does not fork: this process has threads, and a fork would copy their locks as they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.processes = WeakSet[SpawnProcess]()

    def Process(self, *given: Any, **named: Any) -> SpawnProcess:  # type: ignore[override]  # noqa: N802
        process = SpawnProcess(*given, **named)
        self.processes.add(process)
        return process


def _prepare() -> None:
    """Bound a worker's memory, and close its mouth: codecs write a line for each damaged frame."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_WORKER_MEMORY_BYTES, _WORKER_MEMORY_BYTES))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
