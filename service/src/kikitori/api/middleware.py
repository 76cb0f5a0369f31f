"""What surrounds every request: its id, its line in the log, its size limit, and the last catch."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kikitori.api.errors import error_response
from kikitori.errors import Code, ServiceError, shutting_down

_log = logging.getLogger("kikitori.access")


class RequestLog:
    """Gives each request an id and an arrival time, logs one line for it, and answers for crashes.

    `state.arrived` is on the clock of `time.monotonic`, in seconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrived = time.monotonic()
        identifier = uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["arrived"] = arrived
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = identifier
            await send(message)

        crash = None
        try:
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError:  # the server gives up on what is still running when it ends
            if not status:
                await error_response(shutting_down())(scope, receive, send_with_id)
        except Exception as error:
            crash = error
            if not status:
                failure = ServiceError(Code.INTERNAL_ERROR, f"Something failed here; its log line is {identifier}.")
                await error_response(failure)(scope, receive, send_with_id)
        if state.get("client_left"):
            status = 499
        # A probe every few seconds is no news.
        level = logging.ERROR if crash else logging.DEBUG if scope["path"].startswith("/health") else logging.INFO
        _log.log(
            level,
            "%s %s %d",
            scope["method"],
            ascii(scope["path"])[1:-1],  # a path can hold line ends, and with them lines that we never wrote
            status,
            exc_info=crash,
            extra={
                "request_id": identifier,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "seconds": round(time.monotonic() - arrived, 3),
            },
        )


class BodyLimit:
    """Refuses bodies over a size, announced or not, without keeping them.

    What a client still sends is read and thrown away first, up to a bound: a client that is cut off while it sends
    sees a broken connection instead of the answer.
    """

    _PATIENCE = 8
    """Times the limit that are read before the connection is cut all the same."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > self._limit:
            if int(announced) <= self._PATIENCE * self._limit:
                await self._drain(receive, 0)
            await error_response(self._error())(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                if message.get("more_body"):
                    await self._drain(receive, received)
                raise self._error()
            return message

        await self._app(scope, receive_within_limit, send)

    async def _drain(self, receive: Receive, received: int) -> None:
        more = True
        while more and received <= self._PATIENCE * self._limit:
            message = await receive()
            received += len(message.get("body", b""))
            more = message.get("more_body", False)

    def _error(self) -> ServiceError:
        size = f"{self._limit / (1 << 20):g} MiB"
        return ServiceError(
            Code.UPLOAD_TOO_LARGE,
            f"The request is larger than {size}. Send the audio in parts, or compressed (FLAC, Opus, MP3).",
        )
