"""The chat route's wire format, with an engine that says back what it was given."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import pytest
from kikitori.app import create_app
from kikitori.settings import Settings

from tests.processes import serving
from tests.scripted_engine import ScriptedEngine
from tests.speech import wav

HELLO = "Say this back."


def sound(seconds: float) -> dict[str, object]:
    file = wav(np.zeros(int(seconds * 16_000)))
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(file).decode(), "format": "wav"}}


@pytest.fixture(scope="module")
def chat() -> Iterator[openai.OpenAI]:
    engine = ScriptedEngine()
    engine.allow_everything()
    with serving(create_app(Settings(), engine)) as url:
        yield openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def ask(chat: openai.OpenAI, content: object, **options: object) -> Any:
    messages: Any = [{"role": "user", "content": content}]
    return chat.chat.completions.create(model="parrot", messages=messages, **options)  # type: ignore[call-overload]


def test_text_and_sounds_arrive_in_order(chat: openai.OpenAI) -> None:
    content = [{"type": "text", "text": "first"}, sound(0.5), {"type": "text", "text": "then"}, sound(1.25)]
    answer = ask(chat, content)
    assert isinstance(answer, openai.types.chat.ChatCompletion)
    usage: Any = answer.usage
    assert answer.choices[0].message.content == "first 0.50s then 1.25s"
    assert answer.choices[0].finish_reason == "stop"
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (4, 4, 8)
    assert usage.audio_seconds == 1.75
    assert usage.gpu_seconds == usage.compute_seconds


def test_streaming(chat: openai.OpenAI) -> None:
    chunks = list(ask(chat, HELLO, stream=True, stream_options={"include_usage": True}))
    text = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert [part for part in text if part] == ["Say ", "this ", "back."]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens == 3
    assert chunks[-1].timing["generate"] >= 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ([{"type": "input_audio", "input_audio": {"data": "#", "format": "wav"}}], "invalid_audio"),
        ([{"type": "input_audio", "input_audio": {"data": "aGVsbG8=", "format": "wav"}}], "invalid_audio"),
        ([{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}], "empty_file"),
        ([{"type": "audio_url", "audio_url": {"url": "file:///etc/passwd"}}], "invalid_parameter"),
        ("refuse", "invalid_parameter"),
    ],
)
def test_bad_content(chat: openai.OpenAI, content: object, code: str) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as error:
            ask(chat, content, stream=stream)
        assert error.value.code == code


def test_a_failing_step_is_told_in_both_forms(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as error:
        ask(chat, "break")
    assert error.value.code == "internal_error"
    with pytest.raises(openai.APIError, match="failed on this request"):
        list(ask(chat, "one break", stream=True))
    answer = ask(chat, HELLO)
    assert answer.choices[0].message.content == HELLO
