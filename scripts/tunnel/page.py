"""What the page here needs of the service there: that it is ready, and what it is."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from typing import Any

import httpx2 as httpx

from scripts.local_page import PageServer
from scripts.tunnel.connection import Connection, TunnelError

_TIMEOUT_S = 10


async def stage(connection: Connection, service: str) -> str:
    """How far the service at an address is with starting, in words; empty when it is ready.

    Raises:
        TunnelError: it cannot be reached through this connection.
    """
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
        try:
            ready = await client.get(f"{service}/health/ready")
        except httpx.TransportError:
            connection.expect_forwarding()
            return "not up yet"
    if ready.status_code == httpx.codes.OK:
        return ""
    try:
        phase = ready.json()["phases"][-1]
    except (ValueError, LookupError, TypeError):
        raise TunnelError(
            "What answers there is another program than the service. Choose another REMOTE_PORT."
        ) from None
    done = f", {100 * phase['bytes'] // phase['total_bytes'] // 10 * 10} %" if phase.get("total_bytes") else ""
    return f"starting: {phase['phase']}{done}"


async def config_when_ready(
    connection: Connection, service: str, page: str, say: Callable[[str], None]
) -> dict[str, object]:
    """The `config.json` of a page, as soon as the service can answer it.

    Args:
        connection: that the service is reached through.
        service: its address here.
        page: origin of the page.
        say: takes a line for each stage of the start.

    Raises:
        TunnelError: the service does not answer this page.
        httpx.TransportError: the connection was lost just then.
    """
    told = ""
    while now := await stage(connection, service):
        if now != told:
            say(f"The service is {now}.")
        told = now
        await asyncio.sleep(0.2)
    auth, url, headers = "none", f"{service}/v1/models", {"Origin": page}
    async with httpx.AsyncClient(timeout=_TIMEOUT_S, headers=headers) as client:
        models = await client.get(url)
        if models.status_code == httpx.codes.UNAUTHORIZED:
            auth, key = "api-key", os.environ.get("KIKITORI_API_KEY", "").strip()
            if not key.isascii():
                raise TunnelError("KIKITORI_API_KEY is no access key: keys are letters, digits and signs of ASCII.")
            models = await client.get(url, headers={"Authorization": f"Bearer {key}"})
    if models.status_code != httpx.codes.OK:
        raise TunnelError(
            f"The service does not say what it is (status {models.status_code}). If it asks for an access key, give it "
            "one: export KIKITORI_API_KEY=... The page cannot sign in with Firebase through a tunnel."
        )
    if models.headers.get("Access-Control-Allow-Origin") not in (page, "*"):
        raise TunnelError(
            f"The service was started for another page than {page}, and browsers would keep this one from it. "
            "Give the WEB_PORT of then, or stop the service and start it again."
        )
    return {"service": service, "auth": auth, "model": models.json()["data"][0]}


async def serve(config: Mapping[str, Any], page: str, page_socket: socket.socket) -> None:
    """Serve the page, and open it where there is a browser."""
    if sys.platform == "darwin" or {"BROWSER", "DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        # Some browsers stay in front until they are closed.
        threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()
    await PageServer(config).serve([page_socket])
