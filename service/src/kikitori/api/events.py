"""Server-sent events that end when the client leaves: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kikitori.api.attend import attend
from kikitori.errors import ServiceError, shutting_down


class EventStream(Response):
    """Sends each item as the JSON of one event; a string is sent as it is.

    A `ServiceError` on the way becomes a last event in OpenAI's error shape, for the status has already gone out.

    Args:
        events: what to send.
        until: the deadline, on the clock of `time.monotonic`.
        on_end: called in every case when the stream is over, also if nothing of it could be sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncIterator[Mapping[str, object] | str],
        until: float,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._until = until
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the events."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await attend(receive, self._send_all(send), self._until)
        except ServiceError as error:
            await _send_event(send, error.body())
        except asyncio.CancelledError:  # the process ends, and the client should know that this is not all
            await _send_event(send, shutting_down().body())
        except ClientDisconnect:
            scope["state"]["client_left"] = True
            return
        finally:
            self._on_end()
        await send({"type": "http.response.body", "body": b""})

    async def _send_all(self, send: Send) -> None:
        async for event in self._events:
            await _send_event(send, event)


async def _send_event(send: Send, event: Mapping[str, object] | str) -> None:
    data = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
    await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})
