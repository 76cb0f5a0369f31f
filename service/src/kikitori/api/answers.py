"""From a question to an answer in progress: what all routes that use the engine share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

from starlette.requests import Request as HttpRequest

from kikitori.api.attend import attend
from kikitori.api.dependencies import Service
from kikitori.api.usage import Timing, resources
from kikitori.engines.job import Job
from kikitori.engines.protocol import Piece, Request


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that the engine has begun.

    `listening` ends when the speech in the clips has been found; `until` is the deadline on the clock of
    `time.monotonic`, in seconds.
    """

    service: Service
    job: Job
    listening: Awaitable[object]
    decode_s: float
    cold_s: float
    until: float

    async def collect(self, http: HttpRequest) -> list[Piece]:
        """The whole answer; the engine stops when the client leaves or time is up.

        Raises:
            ServiceError: the engine failed, or the deadline has passed.
            ClientDisconnect: the client has left.
        """
        with self.job:
            return await attend(http.receive, self._pieces(), self.until)

    async def pieces(self) -> AsyncIterator[Piece]:
        """The answer, piece by piece; at its end the speech in the clips is known as well.

        Raises:
            ServiceError: the engine failed.
        """
        async for piece in self.job.pieces():
            yield piece
        await self.listening

    async def _pieces(self) -> list[Piece]:
        return [piece async for piece in self.pieces()]

    @property
    def timing(self) -> Timing:
        """Where the time went; of a finished answer."""
        return Timing.of(self.job, self.decode_s, self.cold_s)

    def resources(self) -> dict[str, object]:
        """What it took and cost; of a finished answer."""
        return resources(self.job, self.service.description, self.service.settings.price_usd_per_s)


async def begin(http: HttpRequest, service: Service, question: Awaitable[Request]) -> Answer:
    """Wait for the question (its audio is decoded meanwhile), the model and a place, in this order.

    The clips' speech is found before the engine begins where the engine asks for it, else beside the engine.

    Raises:
        ServiceError: the question is unusable, the model did not load, or the deadline has passed.
        ClientDisconnect: the client has left.
    """
    until = http.state.arrived + service.settings.deadline_s

    async def prepare() -> Answer:
        began = time.monotonic()
        request = await question
        listening = asyncio.get_running_loop().run_in_executor(None, lambda: [clip.windows for clip in request.clips])
        if service.description.needs_windows(request):
            await listening
        decoded = time.monotonic()
        await service.startup.until_ready()
        ready = time.monotonic()
        job = service.scheduler.submit(request)
        try:
            await job.until_started()
        except BaseException:
            job.cancel()
            raise
        return Answer(service, job, listening, decode_s=decoded - began, cold_s=ready - decoded, until=until)

    return await attend(http.receive, prepare(), until)
