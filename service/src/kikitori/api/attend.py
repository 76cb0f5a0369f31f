"""Works for a client while it listens, and not longer than agreed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from kikitori.errors import Code, ServiceError

T = TypeVar("T")


async def attend(receive: Receive, work: Coroutine[Any, Any, T], until: float) -> T:
    """Run `work`; cancel it when the client leaves or time is up.

    Args:
        receive: the request's ASGI channel, its body already read.
        work: what to do.
        until: the deadline, on the clock of `time.monotonic`.

    Raises:
        ClientDisconnect: the client has left.
        ServiceError: the deadline has passed.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({task, gone}, timeout=until - time.monotonic(), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if gone.done():
            raise ClientDisconnect
        raise ServiceError(
            Code.DEADLINE_EXCEEDED,
            "The answer was not ready in time and was given up. Send shorter audio, or try again when it is quieter.",
        )
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
