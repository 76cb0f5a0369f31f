"""OpenAI's chat route, with audio in it: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from kikitori.api.answers import Answer, begin
from kikitori.api.dependencies import Admitted, ContentType, Service, ServiceDep
from kikitori.api.events import EventStream
from kikitori.audio.clip import Clip
from kikitori.engines.protocol import Message, Task
from kikitori.engines.protocol import Request as Question
from kikitori.errors import Code, ServiceError

router = APIRouter(prefix="/v1/chat", tags=["chat"], dependencies=[Depends(ContentType("application/json")), Admitted])


class TextPart(BaseModel):
    """Text: the task, or what is asked."""

    type: Literal["text"]
    text: str


class AudioData(BaseModel):
    """A whole audio file. Its format is recognised by content; `format` is there because OpenAI's clients send it."""

    data: str
    """The file in base64. Addresses and paths are not taken."""
    format: str = "wav"


class AudioPart(BaseModel):
    """Sound."""

    type: Literal["input_audio"]
    input_audio: AudioData


class ChatMessage(BaseModel):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Annotated[TextPart | AudioPart, Field(discriminator="type")]]


class StreamOptions(BaseModel):
    """What a stream carries beside the text."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of a chat request, as far as this service reads it."""

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_completion_tokens: Annotated[int | None, Field(ge=1)] = None
    max_tokens: Annotated[int | None, Field(ge=1)] = None
    n: Literal[1] = 1
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()


@router.post("/completions", summary="Ask about sound")
async def complete(http: Request, service: ServiceDep, body: ChatRequest) -> Response:
    """Answer a conversation of texts and sounds; the text tells the task."""
    service.check_model(body.model)
    service.check_task(Task.CHAT)
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
            "notes": list(answer.job.notes),
            "usage": _usage(answer),
        },
        headers={"Server-Timing": answer.timing.header()},
    )


async def _question(service: Service, body: ChatRequest) -> Question:
    messages = [await _message(service, message) for message in body.messages]
    limit = body.max_completion_tokens or body.max_tokens
    return Question(Task.CHAT, tuple(messages), temperature=body.temperature, max_tokens=limit)


async def _message(service: Service, message: ChatMessage) -> Message:
    role: Literal["system", "user", "assistant"] = "system" if message.role == "developer" else message.role
    if isinstance(message.content, str):
        return Message(role, (message.content,))
    parts: list[str | Clip] = []
    for part in message.content:
        parts.append(part.text if isinstance(part, TextPart) else await _clip(service, part.input_audio.data))
    return Message(role, tuple(parts))


async def _clip(service: Service, data: str) -> Clip:
    try:
        return await service.decoder.decode(base64.b64decode(data, validate=True))
    except binascii.Error as error:
        raise ServiceError(
            Code.INVALID_AUDIO,
            f"`input_audio.data` is not base64 ({error}). Encode the whole file.",
            "messages",
        ) from error


async def _events(
    answer: Answer, head: dict[str, object], include_usage: bool
) -> AsyncIterator[dict[str, object] | str]:
    """OpenAI's chat chunks; the last one before `[DONE]` carries the figures where they were asked for."""
    head = head | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
        return head | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    async for piece in answer.job.pieces():
        if piece.text:
            yield chunk({"content": piece.text})
    yield chunk({}, answer.job.finish) | {"notes": list(answer.job.notes)}
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
