"""OpenAI's chat route, with audio in it: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from kikitori.api.answers import Answer, begin
from kikitori.api.dependencies import Admitted, ContentType, Service, ServiceDep
from kikitori.api.events import EventStream
from kikitori.api.fields import MOST_CHARACTERS, Temperature, Text, valid_unicode
from kikitori.audio.clip import Clip
from kikitori.engines.protocol import Message, Task
from kikitori.engines.protocol import Request as Question
from kikitori.errors import Code, ServiceError

router = APIRouter(prefix="/v1/chat", tags=["chat"], dependencies=[Depends(ContentType("application/json")), Admitted])


_MOST_MESSAGES = 1_000
"""Empty ones take positions and time as well."""
_MOST_SOUNDS = 32

_UNSUPPORTED: Mapping[str, tuple[tuple[object, ...], str]] = {
    "n": ((1,), ", and send the question again for another answer"),
    "stop": (([], ""), ", and cut the answer where it should end"),
    "response_format": (({}, {"type": "text"}), ", and ask for the form in the text of a message"),
    "logprobs": ((False,), ""),
    "top_logprobs": ((0,), ""),
    "tools": (([],), ""),
    "tool_choice": (("none",), ""),
    "functions": (([],), ""),
    "function_call": (("none",), ""),
    "modalities": (([], ["text"]), ": answers are text"),
    "audio": (({},), ": answers are text"),
    "logit_bias": (({},), ""),
    "frequency_penalty": ((0,), ""),
    "presence_penalty": ((0,), ""),
}
"""What would change the answer and cannot be had: the values that ask for nothing, and what to do instead."""


class _Body(BaseModel):
    """JSON in which null is the same as nothing."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, body: Any) -> Any:
        return {name: value for name, value in body.items() if value is not None} if isinstance(body, dict) else body


class TextPart(_Body):
    """Text: the task, or what is asked."""

    type: Literal["text"]
    text: Text


class AudioData(_Body):
    """A whole audio file. Its format is recognised by content; `format` is there because OpenAI's clients send it."""

    data: str
    """The file in base64. Addresses and paths are not taken."""
    format: str = "wav"


class AudioPart(_Body):
    """Sound."""

    type: Literal["input_audio"]
    input_audio: AudioData


def _parts(content: Any) -> Any:
    """A mere text is a message of one part."""
    return [{"type": "text", "text": valid_unicode(content)}] if isinstance(content, str) else content


class ChatMessage(_Body):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[
        list[Annotated[TextPart | AudioPart, Field(discriminator="type")]],
        BeforeValidator(_parts, json_schema_input_type=str | list[TextPart | AudioPart]),
    ]

    @model_validator(mode="before")
    @classmethod
    def _silent_assistant(cls, body: Any) -> Any:
        if isinstance(body, dict) and body.get("role") == "assistant" and body.get("content") is None:
            return body | {"content": ""}
        return body


class StreamOptions(_Body):
    """What a stream carries beside the text."""

    include_usage: bool = False


class ChatRequest(_Body):
    """The body of a chat request, as far as this service reads it."""

    model_config = ConfigDict(extra="allow")

    model: Text
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=_MOST_MESSAGES)]
    temperature: Annotated[Temperature, Field(ge=0, le=2)] = 0.0
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    seed: Annotated[int | None, Field(ge=-(1 << 63), lt=1 << 63)] = None
    max_completion_tokens: Annotated[int | None, Field(ge=1)] = None
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()

    def check(self) -> None:
        """Refuse what cannot be done, before any work.

        Raises:
            ServiceError: a parameter asks for what this service does not have, or there is too much text or sound.
        """
        for name, value in (self.model_extra or {}).items():
            nothing, instead = _UNSUPPORTED.get(name, ((value,), ""))
            if value not in nothing:
                raise ServiceError(
                    Code.UNSUPPORTED_PARAMETER, f"`{name}` is not supported here. Leave it out{instead}.", name
                )
        parts = [part for message in self.messages for part in message.content]
        characters = sum(len(part.text) for part in parts if isinstance(part, TextPart))
        if characters > MOST_CHARACTERS:
            raise ServiceError(
                Code.INVALID_PARAMETER,
                f"The messages hold {characters} characters of text, and {MOST_CHARACTERS} is the most. Send less.",
                "messages",
            )
        sounds = sum(isinstance(part, AudioPart) for part in parts)
        if sounds > _MOST_SOUNDS:
            raise ServiceError(
                Code.INVALID_PARAMETER,
                f"The messages hold {sounds} sounds, and {_MOST_SOUNDS} is the most. Send fewer, or join some.",
                "messages",
            )


@router.post("/completions", summary="Ask about sound")
async def complete(http: Request, service: ServiceDep, body: ChatRequest) -> Response:
    """Answer a conversation of texts and sounds; the text tells the task."""
    service.check_model(body.model)
    service.check_task(Task.CHAT)
    body.check()
    answer = await begin(http, service, _question(service, body))
    head: dict[str, object] = {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": service.description.model,
    }
    if body.stream:
        events = _events(answer, head, body.stream_options.include_usage)
        return EventStream(events, answer.until, on_end=answer.job.cancel)
    pieces = await answer.collect(http)
    message = {"role": "assistant", "content": "".join(piece.text for piece in pieces), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.job.finish}
    return JSONResponse(
        head
        | {
            "object": "chat.completion",
            "choices": [choice],
            **_remarks(answer),
            "usage": _usage(answer),
        },
        headers={"Server-Timing": answer.timing.header()},
    )


async def _question(service: Service, body: ChatRequest) -> Question:
    messages: list[Message] = []
    seconds, most = 0.0, service.settings.max_audio_s
    for message in body.messages:
        messages.append(await _message(service, message))
        seconds += sum(part.duration for part in messages[-1].content if isinstance(part, Clip))
        if seconds > most:
            raise ServiceError(
                Code.AUDIO_TOO_LONG,
                f"All sounds together are longer than the limit of {most:g} s. Send less.",
                "messages",
            )
    limit = body.max_completion_tokens or body.max_tokens
    return Question(
        Task.CHAT,
        tuple(messages),
        temperature=body.temperature,
        top_p=body.top_p,
        seed=body.seed,
        max_tokens=limit,
    )


async def _message(service: Service, message: ChatMessage) -> Message:
    role: Literal["system", "user", "assistant"] = "system" if message.role == "developer" else message.role
    parts: list[str | Clip] = []
    for part in message.content:
        parts.append(part.text if isinstance(part, TextPart) else await _clip(service, part.input_audio.data))
    return Message(role, tuple(parts))


async def _clip(service: Service, data: str) -> Clip:
    try:
        file = base64.b64decode(data, validate=True)
    except ValueError as error:
        raise ServiceError(
            Code.INVALID_AUDIO,
            f"`input_audio.data` is not base64 ({error}). Encode the whole file.",
            "messages",
        ) from error
    try:
        return await service.decoder.decode(file)
    except ServiceError as error:
        raise ServiceError(error.code, error.message, "messages") from error


async def _events(
    answer: Answer, head: dict[str, object], include_usage: bool
) -> AsyncIterator[dict[str, object] | str]:
    """OpenAI's chat chunks; the last one before `[DONE]` carries the figures where they were asked for."""
    head = head | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
        return head | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    async for piece in answer.pieces():
        if piece.text:
            yield chunk({"content": piece.text})
    yield chunk({}, answer.job.finish) | _remarks(answer)
    if include_usage:
        yield head | {"choices": [], "usage": _usage(answer), "timing": answer.timing.body()}
    yield "[DONE]"


def _usage(answer: Answer) -> dict[str, object]:
    job = answer.job
    return {
        "prompt_tokens": job.input_tokens,
        "completion_tokens": job.output_tokens,
        "total_tokens": job.input_tokens + job.output_tokens,
        **answer.resources(),
    }


def _remarks(answer: Answer) -> dict[str, object]:
    """What a reader should know of a finished answer, beside its text."""
    clips = answer.job.request.clips
    return {"no_speech": bool(clips) and not any(clip.windows for clip in clips), "notes": list(answer.job.notes)}
