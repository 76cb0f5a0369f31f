"""Decodes uploads beside the service: whatever a bad file does to native code, the service goes on.

Each decode runs in a worker process that is reused, bounded in memory, and killed when its request is given up.
"""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING

import anyio
import anyio.to_process
import anyio.to_thread

from kikitori.audio.clip import SAMPLE_RATE, Clip
from kikitori.errors import Code, ServiceError

if TYPE_CHECKING:
    from kikitori.audio.decode import Samples

_WORKERS = 2
_WORKER_MEMORY_BYTES = 4 << 30
"""Address space of a worker; far above what decoding needs, far below what a decompression bomb wants."""


class AudioDecoder:
    """Makes clips of files, at most `_WORKERS` at a time."""

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._limiter = anyio.CapacityLimiter(_WORKERS)

    async def warm_up(self) -> None:
        """Start a worker and load the voice activity detector, so that no request waits for them."""
        silence = io.BytesIO()
        with wave.open(silence, "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, SAMPLE_RATE, "NONE", ""))
            file.writeframes(bytes(2 * SAMPLE_RATE))
        await self.decode(silence.getvalue())

    async def decode(self, data: bytes) -> Clip:
        """Decode a whole file and find the speech in it.

        Raises:
            ServiceError: the file is no usable audio; see `kikitori.audio.decode.decode`.
        """
        try:
            samples = await anyio.to_process.run_sync(
                _decode_within_limits, data, self._max_seconds, cancellable=True, limiter=self._limiter
            )
        except anyio.BrokenWorkerProcess as error:
            raise ServiceError(
                Code.INVALID_AUDIO,
                "The file is damaged: decoding it crashed the decoder. Convert it to WAV.",
                "file",
            ) from error
        return await anyio.to_thread.run_sync(_clip, samples)


def _decode_within_limits(data: bytes, max_seconds: float) -> Samples:
    import resource

    from kikitori.audio.decode import decode

    resource.setrlimit(resource.RLIMIT_AS, (_WORKER_MEMORY_BYTES, _WORKER_MEMORY_BYTES))
    return decode(data, max_seconds)


def _clip(samples: Samples) -> Clip:
    from kikitori.audio.windows import speech_windows

    return Clip(samples, speech_windows(samples))
