"""Builds the service from its parts. Nothing is loaded and no global is made at import."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psutil
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from kikitori.api import audio, chat, errors, health, models, warmup
from kikitori.api.dependencies import Authenticated, Service
from kikitori.api.middleware import BodyLimit, RequestLog
from kikitori.audio.decoder import AudioDecoder
from kikitori.auth import build_authenticator
from kikitori.engines.protocol import Engine
from kikitori.engines.scheduler import Scheduler
from kikitori.engines.startup import Startup
from kikitori.settings import Settings


def create_app(settings: Settings, engine: Engine[Any], end: Callable[[int], None] = lambda status: None) -> FastAPI:
    """The ASGI app. It opens at once and loads the engine in the background.

    Args:
        settings: of this deployment.
        engine: what answers, not loaded yet.
        end: called with an exit status when the process should end: the load failed, or nobody came for long.
    """
    startup = Startup(_process_started())
    decoder = AudioDecoder(settings.max_audio_s)
    scheduler = Scheduler(
        engine,
        startup,
        concurrency=settings.concurrency,
        queue_size=settings.queue_size,
        on_failure=lambda: end(1),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        scheduler.open()
        background = (
            asyncio.create_task(decoder.warm_up()),
            asyncio.create_task(_end_when_idle(scheduler, settings.idle_exit_s, end)),
        )
        yield
        for task in background:
            task.cancel()
        await decoder.close()
        await scheduler.close()

    # No pages of documentation: they load scripts from elsewhere. The description itself is at /openapi.json.
    app = FastAPI(
        title="Kikitori",
        summary="Speech and sound understanding over OpenAI's protocol",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = Service(
        settings=settings,
        engine=engine,
        startup=startup,
        scheduler=scheduler,
        decoder=decoder,
        authenticator=build_authenticator(settings),
    )
    errors.install(app)
    app.include_router(health.router)
    for part in (audio, chat, models, warmup):
        app.include_router(part.router, dependencies=[Authenticated])
    # The last one added is the outermost: a browser must be able to read every error, so CORS surrounds all.
    app.add_middleware(BodyLimit, limit_bytes=settings.max_upload_bytes)
    app.add_middleware(RequestLog)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Server-Timing", "Retry-After", "X-Request-Id"],
        max_age=7200,
    )
    return app


async def _end_when_idle(scheduler: Scheduler, after_s: float | None, end: Callable[[int], None]) -> None:
    if after_s is None:
        return
    while (rest := after_s - scheduler.idle_s) > 0:  # noqa: ASYNC110 - what is waited for is time itself
        await asyncio.sleep(rest)
    end(0)


def _process_started() -> float:
    """When this process began, on the clock of `time.monotonic`, in seconds."""
    return time.monotonic() - (time.time() - psutil.Process().create_time())
