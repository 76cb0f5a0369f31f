"""OpenAI's speech-to-text routes: https://platform.openai.com/docs/api-reference/audio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse

from kikitori.api.answers import Answer, begin
from kikitori.api.dependencies import Admitted, ContentType, Service, ServiceDep
from kikitori.api.events import EventStream
from kikitori.api.fields import Temperature, Text
from kikitori.api.transcripts import Format, Transcript
from kikitori.engines.protocol import Message, Piece, Task
from kikitori.engines.protocol import Request as Question
from kikitori.errors import Code, ServiceError

router = APIRouter(
    prefix="/v1/audio",
    tags=["audio"],
    dependencies=[Depends(ContentType("multipart/form-data")), Admitted],
)

Upload = Annotated[
    UploadFile, File(description="WAV, FLAC, MP3, OGG, WebM, M4A or MP4; recognised by content, not by name.")
]
Model = Annotated[Text, Form(description="As in `/v1/models`.")]
Prompt = Annotated[Text | None, Form(description="Text that the speech continues; sets style and spelling.")]
SpeechTemperature = Annotated[Temperature, Form(ge=0, le=1)]
Language = Annotated[
    str | None,
    Form(description="ISO 639-1 code of the speech.", pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"),
]
Granularities = Annotated[list[Literal["segment"]] | None, Form(alias="timestamp_granularities[]")]


@router.post("/transcriptions", summary="Speech to text in its own language")
async def transcribe(
    http: Request,
    service: ServiceDep,
    file: Upload,
    model: Model,
    language: Language = None,
    prompt: Prompt = None,
    response_format: Annotated[Format, Form()] = Format.JSON,
    temperature: SpeechTemperature = 0.0,
    stream: Annotated[bool, Form()] = False,
    timestamp_granularities: Granularities = None,
) -> Response:
    """Transcribe a file; `stream=true` sends the text as it is found, as server-sent events."""
    if stream and response_format in (Format.SRT, Format.VTT):
        raise ServiceError(
            Code.INVALID_PARAMETER,
            f"{response_format} needs the whole transcript and cannot be streamed. Leave `stream` out, or stream json: "
            "its last event has the segments.",
            "response_format",
        )
    code = language.replace("_", "-").partition("-")[0].lower() if language else None
    service.check_model(model)
    service.check_task(Task.TRANSCRIBE)
    if code:
        service.check_language(code)
    answer = await begin(http, service, _question(service, file, Task.TRANSCRIBE, code, prompt, temperature))
    if stream:
        return EventStream(_events(answer), answer.until, on_end=answer.job.cancel)
    return await _respond(http, answer, response_format)


@router.post("/translations", summary="Speech to English text")
async def translate(
    http: Request,
    service: ServiceDep,
    file: Upload,
    model: Model,
    prompt: Prompt = None,
    response_format: Annotated[Format, Form()] = Format.JSON,
    temperature: SpeechTemperature = 0.0,
) -> Response:
    """Translate speech of any language into English."""
    service.check_model(model)
    service.check_task(Task.TRANSLATE)
    answer = await begin(http, service, _question(service, file, Task.TRANSLATE, None, prompt, temperature))
    return await _respond(http, answer, response_format)


async def _question(
    service: Service,
    file: UploadFile,
    task: Task,
    language: str | None,
    prompt: str | None,
    temperature: float,
) -> Question:
    clip = await service.decoder.decode(await file.read())
    return Question(task, (Message("user", (clip,)),), language, prompt, temperature)


async def _respond(http: Request, answer: Answer, form: Format) -> Response:
    pieces = await answer.collect(http)
    transcript = _transcript(answer, pieces)
    headers = {"Server-Timing": answer.timing.header()}
    match form:
        case Format.TEXT:
            return PlainTextResponse(transcript.text + "\n", headers=headers)
        case Format.SRT:
            return PlainTextResponse(transcript.srt(), headers=headers, media_type="application/x-subrip")
        case Format.VTT:
            return PlainTextResponse(transcript.vtt(), headers=headers, media_type="text/vtt")
        case Format.VERBOSE_JSON:
            body = transcript.verbose_json(answer.job.request.task) | {"usage": _usage(answer, "duration")}
        case Format.JSON:
            body = transcript.json() | {"usage": _usage(answer, "tokens")}
    return JSONResponse(body, headers=headers)


async def _events(answer: Answer) -> AsyncIterator[dict[str, object]]:
    """OpenAI's `transcript.text.delta` events and their `transcript.text.done`, with the figures in it."""
    pieces: list[Piece] = []
    async for piece in answer.pieces():
        delta = piece.text if any(one.text for one in pieces) else piece.text.lstrip()
        pieces.append(piece)
        if delta:
            yield {"type": "transcript.text.delta", "delta": delta}
    transcript = _transcript(answer, pieces)
    yield {
        "type": "transcript.text.done",
        **transcript.json(),
        "language": transcript.language,
        "duration": transcript.duration,
        "segments": transcript.numbered_segments(),
        "usage": _usage(answer, "tokens"),
        "timing": answer.timing.body(),
    }


def _transcript(answer: Answer, pieces: Sequence[Piece]) -> Transcript:
    job = answer.job
    text = "".join(piece.text for piece in pieces).strip()
    return Transcript(
        text=text,
        segments=[piece.segment for piece in pieces if piece.segment],
        notes=job.notes,
        language=job.language,
        duration=round(job.request.duration, 3),
        no_speech=not text,
    )


def _usage(answer: Answer, kind: Literal["tokens", "duration"]) -> dict[str, object]:
    """OpenAI's usage of either kind (they share our figures) and what the answer took."""
    job, resources = answer.job, answer.resources()
    return {
        "type": kind,
        "seconds": resources["audio_seconds"],
        "input_tokens": job.input_tokens,
        "output_tokens": job.output_tokens,
        "total_tokens": job.input_tokens + job.output_tokens,
        **resources,
    }
