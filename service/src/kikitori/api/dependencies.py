"""What the routes are given: the parts of the service, and the checks that come before any work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from kikitori.audio.decoder import AudioDecoder
from kikitori.auth import Authenticator
from kikitori.engines.protocol import Description, Engine, Task
from kikitori.engines.scheduler import Scheduler
from kikitori.engines.startup import Startup
from kikitori.errors import Code, ServiceError
from kikitori.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """The collaborators of one app."""

    settings: Settings
    engine: Engine[Any]
    startup: Startup
    scheduler: Scheduler
    decoder: AudioDecoder
    authenticator: Authenticator

    @property
    def description(self) -> Description:
        """What the engine is."""
        return self.engine.description

    def check_model(self, name: str) -> None:
        """Refuse a model that is not this service's.

        Raises:
            ServiceError: `name` is neither its name nor one of its aliases.
        """
        known = (self.description.model, *self.description.aliases)
        if name not in known:
            raise ServiceError(
                Code.MODEL_NOT_FOUND,
                f"The model {name!r} is not here. This service answers to {', '.join(known)}.",
                "model",
            )

    def check_task(self, task: Task) -> None:
        """Refuse what the engine cannot do, and name one that can.

        Raises:
            ServiceError: the task is not among the engine's.
        """
        if task not in self.description.tasks:
            others = "qwen2-audio, or whisper with a multilingual model," if task is Task.TRANSLATE else "qwen2-audio"
            raise ServiceError(
                Code.UNSUPPORTED_TASK,
                f"The engine {self.description.engine} with the model {self.description.model} cannot {task}. "
                f"The engine {others} can: have the operator set KIKITORI_ENGINE.",
                "model",
            )

    def check_language(self, code: str) -> None:
        """Refuse a language that the model does not understand.

        Raises:
            ServiceError: `code` is none of the engine's languages, nor of Whisper's where the engine's list is long.
        """
        from faster_whisper.tokenizer import _LANGUAGE_CODES

        known = self.description.languages or _LANGUAGE_CODES
        if code not in known:
            raise ServiceError(
                Code.UNSUPPORTED_LANGUAGE,
                f"The model {self.description.model} does not understand {code!r}, only {', '.join(known)}. "
                "Leave `language` out, or have the operator set KIKITORI_MODEL to a model that does.",
                "language",
            )


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]


async def _authenticated(request: Request, service: ServiceDep) -> None:
    await service.authenticator.check(request.headers.get("authorization"))


Authenticated = Depends(_authenticated)


async def _admitted(service: ServiceDep) -> AsyncIterator[None]:
    with service.scheduler.admit():
        yield


Admitted = Depends(_admitted)
"""Holds a place from before the audio is decoded until the last byte of the answer has been sent."""


class ContentType:
    """Demands a media type of the request's body."""

    def __init__(self, expected: str) -> None:
        self._expected = expected

    async def __call__(self, request: Request) -> None:
        """Compare the header."""
        given = request.headers.get("content-type", "")
        if given.partition(";")[0].strip().lower() != self._expected:
            raise ServiceError(
                Code.UNSUPPORTED_CONTENT_TYPE,
                f"This address takes {self._expected}, not {given or 'a body without a content type'}.",
            )
