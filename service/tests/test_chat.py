"""The chat route's wire format, with an engine that says back what it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2 as httpx
import numpy as np
import openai
import pytest
from kikitori.app import create_app
from kikitori.audio.clip import Window
from kikitori.settings import Settings

from tests.chat import sound
from tests.processes import PATIENCE_S, serving, until
from tests.scripted_engine import ScriptedEngine
from tests.speech import SENTENCES, say, wav

HELLO = "Say this back."


def silence(seconds: float) -> dict[str, object]:
    return sound(wav(np.zeros(int(seconds * 16_000))))


@pytest.fixture(scope="module")
def engine() -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.allow_everything()
    return engine


@pytest.fixture(scope="module")
def chat(engine: ScriptedEngine) -> Iterator[openai.OpenAI]:
    with serving(create_app(Settings(), engine)) as url:
        yield openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def ask(chat: openai.OpenAI, content: object, **options: object) -> Any:
    messages: Any = [{"role": "user", "content": content}]
    return chat.chat.completions.create(model="parrot", messages=messages, **options)  # type: ignore[call-overload]


def test_text_and_sounds_arrive_in_order(chat: openai.OpenAI) -> None:
    content = [{"type": "text", "text": "first"}, silence(0.5), {"type": "text", "text": "then"}, silence(1.25)]
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


def post(chat: openai.OpenAI, body: str) -> httpx.Response:
    """What the client would not send."""
    return httpx.post(f"{chat.base_url}chat/completions", content=body, headers={"Content-Type": "application/json"})


HALF = "\ud800 hi"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": HALF}, "model"),
        ({"messages": [{"role": "user", "content": HALF}]}, "messages.0.content"),
        ({"messages": [{"role": "assistant", "content": HALF}]}, "messages.0.content"),
        ({"messages": [{"role": "system", "content": [{"type": "text", "text": HALF}]}]}, "messages.0.content"),
    ],
)
def test_half_a_character_is_refused(chat: openai.OpenAI, change: dict[str, object], param: str) -> None:
    body = {"model": "parrot", "messages": [{"role": "user", "content": "hi"}]} | change
    answer = post(chat, json.dumps(body))
    assert answer.status_code == 400
    assert "valid Unicode" in answer.json()["error"]["message"]
    assert answer.json()["error"]["param"].startswith(param)


@pytest.mark.parametrize(
    ("given", "taken"), [({}, 0), ({"temperature": 1e-40}, 0), ({"temperature": 0.01}, 0.01), ({"temperature": 2}, 2)]
)
def test_temperature(chat: openai.OpenAI, engine: ScriptedEngine, given: dict[str, float], taken: float) -> None:
    ask(chat, HELLO, **given)
    assert engine.started[-1].temperature == taken


def test_the_draw_is_passed_on(chat: openai.OpenAI, engine: ScriptedEngine) -> None:
    ask(chat, HELLO, top_p=0.5, seed=-7, max_tokens=9)
    assert (engine.started[-1].top_p, engine.started[-1].seed, engine.started[-1].max_tokens) == (0.5, -7, 9)


@pytest.mark.parametrize(
    "options",
    [
        *('"temperature": NaN', '"temperature": Infinity', '"temperature": -1', '"temperature": 2.1'),
        *('"top_p": 0', '"top_p": 1.1', '"top_p": NaN', '"seed": 1.5', '"seed": 9223372036854775808'),
    ],
)
def test_values_out_of_range(chat: openai.OpenAI, options: str) -> None:
    answer = post(chat, f'{{"model": "parrot", "messages": [{{"role": "user", "content": "hi"}}], {options}}}')
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")
    assert answer.json()["error"]["param"] in options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("stop", "."),
        ("stop", ["."]),
        ("response_format", {"type": "json_object"}),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("tool_choice", "required"),
        ("functions", [{"name": "f"}]),
        ("modalities", ["text", "audio"]),
        ("logit_bias", {"50256": -100}),
        ("frequency_penalty", 0.5),
        ("presence_penalty", -0.5),
    ],
)
def test_what_it_cannot_do_is_said(chat: openai.OpenAI, name: str, value: object) -> None:
    with pytest.raises(openai.BadRequestError, match="Leave it out") as error:
        ask(chat, HELLO, **{name: value})
    assert (error.value.code, error.value.param) == ("unsupported_parameter", name)


def test_what_asks_for_nothing_passes(chat: openai.OpenAI) -> None:
    nothing: dict[str, object] = {
        "n": 1,
        "stop": [],
        "response_format": {"type": "text"},
        "logprobs": False,
        "top_logprobs": 0,
        "tools": [],
        "tool_choice": "none",
        "functions": [],
        "modalities": ["text"],
        "logit_bias": {},
        "frequency_penalty": 0,
        "presence_penalty": 0.0,
    }
    ignored = {"user": "me", "metadata": {"a": "b"}, "store": True}
    assert ask(chat, HELLO, **nothing, **ignored).choices[0].message.content == HELLO
    names = (*nothing, "temperature", "top_p", "seed", "stream", "stream_options", "max_tokens")
    nulls = dict.fromkeys((*names, "max_completion_tokens"))
    assert ask(chat, HELLO, **nulls).choices[0].message.content == HELLO


@pytest.mark.parametrize("silent", [{"content": None}, {}, {"content": ""}])
def test_a_history_without_words(chat: openai.OpenAI, engine: ScriptedEngine, silent: dict[str, object]) -> None:
    messages: Any = [{"role": "assistant"} | silent, {"role": "user", "content": HELLO, "name": None}]
    answer = chat.chat.completions.create(model="parrot", messages=messages)
    assert answer.choices[0].message.content == HELLO
    assert engine.started[-1].messages[0].content == ("",)


def test_too_much_is_refused_at_once(chat: openai.OpenAI) -> None:
    many: list[tuple[object, str]] = [
        ("a" * 64_001, "64000 characters"),
        ([{"type": "text", "text": "a" * 32_001}] * 2, "64002 characters"),
        ([silence(0.1)] * 33, "33 sounds"),
    ]
    for content, reason in many:
        with pytest.raises(openai.BadRequestError, match=reason) as error:
            ask(chat, content)
        assert str(error.value.param).startswith("messages")
    messages: Any = [{"role": "user", "content": ""}] * 1001
    with pytest.raises(openai.BadRequestError, match="1000"):
        chat.chat.completions.create(model="parrot", messages=messages)
    assert ask(chat, [{"type": "text", "text": "a" * 32_000}] * 2).choices[0].message.content
    assert ask(chat, [silence(0.1)] * 32).usage.audio_seconds == pytest.approx(3.2)


@pytest.mark.parametrize(
    ("content", "no_speech"),
    [
        (HELLO, False),
        ([silence(1)], True),
        ([silence(1), sound(say(SENTENCES[0]))], False),
    ],
)
def test_whether_somebody_spoke(chat: openai.OpenAI, content: object, no_speech: bool) -> None:
    whole = ask(chat, content)
    assert whole.no_speech is no_speech
    assert whole.usage.audio_seconds_used == whole.usage.audio_seconds  # silence is heard as well
    last = [chunk for chunk in ask(chat, content, stream=True) if chunk.choices][-1]
    assert last.no_speech is no_speech
    assert last.notes == []


@pytest.mark.parametrize(
    ("content", "patience_s", "begun"),
    [([silence(6)], PATIENCE_S, True), ([silence(6), silence(6)], 0.5, False)],
)
def test_speech_is_found_beside_the_engine_unless_it_asks_for_it(
    chat: openai.OpenAI,
    engine: ScriptedEngine,
    monkeypatch: pytest.MonkeyPatch,
    content: object,
    patience_s: float,
    begun: bool,
) -> None:
    seen: list[bool] = []
    before = len(engine.started)

    def found(_: object) -> tuple[Window, ...]:
        with suppress(TimeoutError):
            until(lambda: len(engine.started) > before, patience_s)
        seen.append(len(engine.started) > before)
        return (Window(0, 16_000),)

    monkeypatch.setattr("kikitori.audio.windows.speech_windows", found)
    answer = ask(chat, content)
    assert not answer.no_speech
    assert seen == [begun] * len(engine.started[-1].clips)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ([1], "invalid_body", "The body: Input should be"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "invalid_parameter", "'input_audio'"),
        ({"messages": [{"role": "user", "content": [{"type": "\ud800"}]}]}, "invalid_parameter", "'text'"),
        ({"messages": [{"role": "user", "content": 3}]}, "invalid_parameter", "messages.0.content"),
        ({"messages": [{"role": "user", "content": None}]}, "missing_parameter", "`messages.0.content`"),
    ],
)
def test_wording(chat: openai.OpenAI, body: Any, code: str, words: str) -> None:
    answer = post(chat, json.dumps({"model": "parrot"} | body if isinstance(body, dict) else body))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert words in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ([{"type": "input_audio", "input_audio": {"data": "#", "format": "wav"}}], "invalid_audio"),
        ([{"type": "input_audio", "input_audio": {"data": "声", "format": "wav"}}], "invalid_audio"),
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
        if "audio" in code or code == "empty_file":
            assert error.value.param == "messages"


def test_a_failing_step_is_told_in_both_forms(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as error:
        ask(chat, "break")
    assert error.value.code == "internal_error"
    with pytest.raises(openai.APIError, match="failed on this request"):
        list(ask(chat, "one break", stream=True))
    answer = ask(chat, HELLO)
    assert answer.choices[0].message.content == HELLO
