"""Asks a service for the texts of many recordings, a few at a time."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai

from scripts.transcribe.texts import HopelessError, Texts

FORMATS = {"txt": "text", "srt": "srt", "jsonl": "verbose_json"}
"""What each is for the service."""
TRIES = 8
"""After the first, for one file: about a minute with the client's growing pauses, or as long as Retry-After says. Above
two minutes the client does not ask again, and the file has no text this time."""
TIMEOUT_S = 600
_HOPELESS = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
"""What one file is refused for, all others will be as well."""
_IN_A_ROW = 3
"""So many files may get no answer of the service, one after the other, before no more are sent."""


@dataclass
class Batch:
    """What is done, and what is to be done."""

    texts: Texts
    done: int
    """So many files had their text at the beginning."""
    missing: Sequence[Path]
    failures: dict[Path, str]
    """What has no text at the end, and why."""


async def transcribe(batch: Batch, client: openai.AsyncOpenAI, concurrency: int, options: dict[str, Any]) -> None:
    """Ask for all texts, at most `concurrency` at a time.

    Raises:
        HopelessError: the service refuses whatever it is sent, is not there, or no text can be written.
    """
    hopeless: list[HopelessError] = []
    waiting = iter(batch.missing)
    done, total = batch.done, batch.done + len(batch.missing)
    unanswered = 0

    async def work() -> None:
        nonlocal done, unanswered
        for file in waiting:
            if hopeless:
                return
            began = time.monotonic()
            try:
                answer = await _ask(file, client, options)
                unanswered = 0
                batch.texts.keep(file, answer)
            except HopelessError as error:
                hopeless.append(error)
                return
            except (openai.APIError, OSError) as error:
                why = batch.failures[file] = str(getattr(error, "message", error))
                say(f"failed      {file}: {why}")
                unanswered = _unanswered(error, unanswered)
                if unanswered >= min(_IN_A_ROW, len(batch.missing)):
                    hopeless.append(HopelessError(_nobody(client, unanswered, why)))
                continue
            done += 1
            say(f"{done:5}/{total} {file} ({time.monotonic() - began:.1f} s)")

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(concurrency, len(batch.missing))):
            workers.create_task(work())
    if hopeless:
        raise hopeless[0]


async def _ask(file: Path, client: openai.AsyncOpenAI, options: dict[str, Any]) -> Any:
    """Ask for a text.

    Raises:
        HopelessError: others would end in the same way.
        openai.APIError, OSError: this file has none.
    """
    content = (readable(file.name), await asyncio.to_thread(file.read_bytes))
    try:
        raw = await client.audio.transcriptions.with_raw_response.create(file=content, **options)
    except _HOPELESS as error:
        raise HopelessError(f"The service takes nothing from here: {error.message}") from error
    answer = _transcript(raw.http_response, options["response_format"])
    if answer is None:
        kind = raw.headers.get("content-type", "something")
        raise openai.APIResponseValidationError(raw.http_response, None, message=f"The answer is no transcript: {kind}")
    return answer


def _transcript(response: Any, form: str) -> Any:
    """What was asked for, or None: a page to log in also comes with status 200."""
    if form == "verbose_json":
        try:
            body = response.json()
        except ValueError:
            return None
        return body if isinstance(body, dict) and isinstance(body.get("text"), str) else None
    kind, *_ = response.headers.get("content-type", "").split(";")
    if kind.strip().lower() not in ("text/plain", "application/x-subrip"):
        return None
    text = response.text
    return None if form == "srt" and text.strip() and "-->" not in text else text


def _unanswered(error: Exception, before: int) -> int:
    """So many files in a row have got no answer of the service, with one that ended in this way."""
    if isinstance(error, openai.APIStatusError):
        return 0
    # A timeout may be due to the length of the recording.
    gone = isinstance(error, openai.APIConnectionError) and not isinstance(error, openai.APITimeoutError)
    return before + (gone or isinstance(error, openai.APIResponseValidationError))


def _nobody(client: openai.AsyncOpenAI, files: int, why: str) -> str:
    return (
        f"The service is not at {client.base_url}, or no longer; the same command goes on from here. "
        f"Files in a row without an answer of it: {files}. The last: {why}"
    )


def readable(name: str) -> str:
    """A name without the bytes that are no UTF-8."""
    return os.fsencode(name).decode(errors="replace")


def say(line: str) -> None:
    """Tell the person."""
    print(line, file=sys.stderr, flush=True)
