"""Asking an instance whether it works: https://docs.cloud.google.com/run/docs/configuring/healthchecks."""

from __future__ import annotations

import asyncio

import httpx2 as httpx

from .clock import Clock
from .container import Container
from .description import Probe

_BETWEEN_CONNECTIONS_S = 0.02


async def starts(container: Container, probe: Probe, clock: Clock) -> bool:
    """Whether the startup probe passes before it has failed too often or the container ends."""
    asking = asyncio.create_task(_passes(container, probe, clock))
    await asyncio.wait({asking, container.ended}, return_when=asyncio.FIRST_COMPLETED)
    if not asking.done():
        asking.cancel()
        return False
    return asking.result()


async def _passes(container: Container, probe: Probe, clock: Clock) -> bool:
    await clock.sleep(probe.initial_delay_s)
    async with _asking() as client:
        for _ in range(probe.failures):
            asked_at = clock.now()
            if await _answers(container, probe, client):
                return True
            await clock.sleep_until(asked_at + probe.period_s)
    return False


async def fails(container: Container, probe: Probe, clock: Clock) -> None:
    """Return once the liveness probe has failed as often in a row as it may."""
    await clock.sleep(probe.initial_delay_s)
    failures = 0
    async with _asking() as client:
        while failures < probe.failures:
            await clock.sleep(probe.period_s)
            with clock.work():
                failures = 0 if await _answers(container, probe, client) else failures + 1


def _asking() -> httpx.AsyncClient:
    """One that keeps no connection open, and whose making takes long."""
    return httpx.AsyncClient(trust_env=False, timeout=None, limits=httpx.Limits(max_keepalive_connections=0))


async def _answers(container: Container, probe: Probe, client: httpx.AsyncClient) -> bool:
    try:
        async with asyncio.timeout(probe.timeout_s):
            if probe.path is None:
                await _connect(container)
                return True
            answer = await client.get(f"{container.origin}{probe.path}")
            return 200 <= answer.status_code < 400
    except (TimeoutError, httpx.TransportError):
        return False


async def _connect(container: Container) -> None:
    """Open a connection as soon as that is possible: the default probe has one try of four minutes for it."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", container.port)
        except OSError:
            await asyncio.sleep(_BETWEEN_CONNECTIONS_S)
        else:
            writer.close()
            return
