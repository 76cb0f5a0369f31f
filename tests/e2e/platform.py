"""What stands between a browser and the service in the cloud, and answers in its place when it must."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ConnectionCutError(ConnectionError):
    """Ends a response in its middle; a browser sees a broken connection."""


@dataclass
class _Refusal:
    path: str
    status: int
    retry_after: int | None
    readable: bool


@dataclass
class Platform:
    """Passes requests on, notes them, and refuses or cuts those it was told to.

    Preflights count for nothing: they are passed on, and neither noted nor refused.
    """

    app: ASGIApp
    asked: list[str] = field(default_factory=list)
    """Each request as "METHOD /path", in order: what the service was really asked."""
    _refusals: list[_Refusal] = field(default_factory=list)
    _cuts: list[tuple[str, int]] = field(default_factory=list)

    def refuse(
        self, status: int, *, path: str = "/", times: int = 1, retry_after: int | None = None, readable: bool = False
    ) -> None:
        """Answer the next requests whose path begins with `path`, instead of the service.

        Args:
            status: of the answers.
            path: beginning of the paths.
            times: how many.
            retry_after: value of the header, in seconds.
            readable: with CORS headers, as the service itself refuses. Without them a browser shows the page nothing
                but an opaque TypeError, as with the platform's own 413, 429, 503 and 504.
        """
        self._refusals += [_Refusal(path, status, retry_after, readable)] * times

    def cut(self, *, path: str, after: int) -> None:
        """Break the next answer to a path that begins with `path`, after so many pieces of its body."""
        self._cuts.append((path, after))

    def reset(self) -> None:
        """Forget what was asked, and what was to be refused and cut."""
        self.asked.clear()
        self._refusals.clear()
        self._cuts.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        self.asked.append(f"{scope['method']} {path}")
        refusal = next((one for one in self._refusals if path.startswith(one.path)), None)
        if refusal:
            self._refusals.remove(refusal)
            await _answer(refusal, scope, receive, send)
            return
        cut = next((one for one in self._cuts if path.startswith(one[0])), None)
        if not cut:
            await self.app(scope, receive, send)
            return
        self._cuts.remove(cut)
        left = cut[1]

        async def send_and_cut(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.body":
                if left == 0:
                    raise ConnectionCutError
                left -= 1
            await send(message)

        await self.app(scope, receive, send_and_cut)


async def _answer(refusal: _Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass  # a client that is cut off while it sends sees a broken connection instead of the answer
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"7")]
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(refusal.retry_after).encode()))
    if refusal.readable:
        origin = Headers(scope=scope).get("origin", "*").encode()
        headers += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", b"Retry-After")]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"Refused"})
