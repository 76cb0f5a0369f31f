"""One answer on its way through the queue and the engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Literal

from kikitori.engines.meter import Bill
from kikitori.engines.protocol import Advance, Note, Piece, Request


class Job:
    """What the event loop sees of an answer: a stream of pieces, and figures about it.

    Used as a context manager it is cancelled on leaving, unless it has finished. Times are seconds on the clock of
    `time.monotonic`. The inference thread writes the figures before it announces the end.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.submitted = time.monotonic()
        self.started: float | None = None
        self.finished: float | None = None
        self.cancelled = False
        self.prefill_s = 0.0
        self.compute_s = 0.0
        """Seconds of inference, a batch's time shared among its members."""
        self.input_tokens = 0
        self.output_tokens = 0
        self.language = request.language
        self.notes: tuple[Note, ...] = ()
        self.finish: Literal["stop", "length"] | None = None
        self.bill = Bill()
        self._news: asyncio.Queue[Advance | Exception] = asyncio.Queue()
        self._has_started = asyncio.Event()

    async def until_started(self) -> None:
        """Wait until the engine has taken the job, so that a refusal can still become an HTTP status.

        Raises:
            Exception: what ended the job before it began.
        """
        await self._has_started.wait()
        if self.started is None:
            await self._next()

    async def pieces(self) -> AsyncIterator[Piece]:
        """The answer, piece by piece.

        Raises:
            Exception: what ended it early.
        """
        while True:
            advance = await self._next()
            if advance.error:
                raise advance.error
            for piece in advance.pieces:
                yield piece
            if advance.finish:
                return

    def cancel(self) -> None:
        """Stop at the engine's next step; harmless when it is over."""
        self.cancelled = True

    def announce(self, news: Advance | Exception | None) -> None:
        """Tell the waiting side: None that the engine has taken the job, else how it went on."""
        self._has_started.set()
        if news is not None:
            self._news.put_nowait(news)

    def __enter__(self) -> Job:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    async def _next(self) -> Advance:
        news = await self._news.get()
        if isinstance(news, Exception):
            raise news
        return news
