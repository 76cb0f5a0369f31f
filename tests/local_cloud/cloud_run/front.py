"""What stands before the instances: it lets in, refuses, passes on, and answers itself where no instance does.

Its own answers are no page's to read: they carry no CORS headers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx2 as httpx
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from .instances import Instances, Visit
from .meter import Served
from .routing import Routing

_MOST_BYTES = 32 << 20
"""Of an HTTP/1 request, and of an answer with a length: https://docs.cloud.google.com/run/quotas."""
_OBITUARY_S = 1.0
"""In which the death of an instance is known, after its connections have broken."""
_OF_A_CONNECTION = {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer"}
_WORDS = {
    401: "Unauthorized",
    403: "Your client does not have permission to get this URL from this server.",
    404: "Page not found",
    413: "Your client issued a request that was too large.",
    429: "Rate exceeded.",
    500: "The server encountered an error and could not complete your request.",
    503: "Service Unavailable",
    504: "upstream request timeout",
}


class CutError(ConnectionError):
    """Ends an answer in its middle: a client sees a broken connection."""


class _Refused(Exception):  # noqa: N818  not an error: an answer
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Client:
    """The two directions of one connection, and how far its answer has come."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._body: asyncio.Queue[bytes] = asyncio.Queue()
        self.status = 0
        self.too_large = False

    async def listen(self) -> None:
        """Take what comes until the client is gone, or has sent too much."""
        size = 0
        while (message := await self._receive())["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > _MOST_BYTES:
                self.too_large = True
                return
            if piece := message.get("body"):
                self._body.put_nowait(piece)
            if not message.get("more_body"):
                self._body.put_nowait(b"")

    async def body(self) -> AsyncIterator[bytes]:
        """The request's body as it comes."""
        while piece := await self._body.get():
            yield piece

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def answer(self, status: int) -> None:
        """Answer for Cloud Run; where an answer has begun, break it off.

        Raises:
            CutError: it had begun.
        """
        if self.status:
            raise CutError
        words = _WORDS[status].encode()
        headers = [(b"content-type", b"text/html; charset=UTF-8"), (b"content-length", str(len(words)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": words})


class Front:
    """The ASGI application at all addresses of a Cloud Run; an address is told by its port."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing
        # Each visit has a connection of its own, as nothing may be kept open to an instance that is to end.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._http = httpx.AsyncClient(trust_env=False, timeout=None, limits=limits)

    async def close(self) -> None:
        """Let go of everything."""
        await self._http.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        client, headers = _Client(receive, send), Headers(scope=scope)
        listening = asyncio.create_task(client.listen())
        try:
            instances = self._admitted(scope["server"][1], headers)
            await self._visit(instances, scope, client, listening)
        except _Refused as refused:
            await client.answer(refused.status)
        finally:
            listening.cancel()

    def _admitted(self, port: int, headers: Headers) -> Instances:
        if int(headers.get("content-length", 0)) > _MOST_BYTES:
            raise _Refused(413)
        place = self._routing.place(port)
        if place is None:
            raise _Refused(404)
        service, instances = place
        if not service.public and (status := self._routing.refusal(service, headers.get("authorization", ""))):
            raise _Refused(status)
        return instances

    async def _visit(self, instances: Instances, scope: Scope, client: _Client, listening: asyncio.Task[None]) -> None:
        clock, visit = instances.machine.clock, Visit()
        arrived = clock.now()
        instances.enter(visit)
        passing = asyncio.create_task(self._pass(visit, instances, scope, client))
        status = 0
        try:
            ends: set[asyncio.Future[Any]] = {passing, visit.answered, listening}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if passing.done():
                status = 503 if isinstance(passing.exception(), httpx.TransportError) else 0
                if status:
                    # Most often the instance has just died: nobody else is to be sent there until that is known.
                    await asyncio.wait({visit.answered}, timeout=_OBITUARY_S)
            elif visit.answered.done():
                status = visit.answered.result()
            elif client.too_large:
                status = 413
        finally:
            passing.cancel()
            instances.leave(visit)
            request = (scope["method"], scope["path"], status or client.status)
            where = (instances.service.name, instances.revision, visit.instance)
            instances.machine.meter.requests.append(Served(*where, arrived, visit.sent, clock.now(), *request))
        with contextlib.suppress(asyncio.CancelledError, httpx.TransportError):
            await passing
        if status:
            await client.answer(status)

    async def _pass(self, visit: Visit, instances: Instances, scope: Scope, client: _Client) -> None:
        origin = await visit.origin
        path = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        headers = [*_of_the_message(scope["headers"]), (b"x-forwarded-proto", b"https")]
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
        content = client.body() if has_body else None
        request = httpx.Request(scope["method"], origin + path, headers=headers, content=content)
        with instances.machine.clock.work():
            answer = await self._http.send(request, stream=True)
            try:
                if int(answer.headers.get("content-length", 0)) > _MOST_BYTES:
                    await client.answer(500)
                    return
                kept = _of_the_message(answer.headers.raw)
                await client.send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
                async for piece in answer.aiter_raw():
                    await client.send({"type": "http.response.body", "body": piece, "more_body": True})
                await client.send({"type": "http.response.body", "body": b""})
            finally:
                await answer.aclose()


def _of_the_message(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Without those that are the connection's (RFC 9110, 7.6.1)."""
    return [(name, value) for name, value in headers if name.lower() not in _OF_A_CONNECTION]
