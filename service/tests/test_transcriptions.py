"""Speech to text, as the real OpenAI client sees it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable

import numpy as np
import openai
import pytest
from openai.types.audio import TranscriptionVerbose

from tests.processes import ServiceProcess
from tests.speech import SENTENCES, VOICES, encode, samples_of, say, wav, word_error_rate

MODEL = "whisper-tiny.en"


def test_what_is_said_is_what_is_written(client: openai.OpenAI) -> None:
    said = [(text, say(text, voice)) for voice in VOICES for text in SENTENCES]
    heard = [client.audio.transcriptions.create(model=MODEL, file=("a.wav", file)).text for _, file in said]
    assert len(set(heard)) > len(SENTENCES) // 2  # different speech, different text
    # tiny.en makes 5 % on these; a broken resampler, decoder or prompt makes far more than 15 %.
    assert word_error_rate([text for text, _ in said], heard) < 0.15


def test_different_speech_gives_different_text(client: openai.OpenAI) -> None:
    first, second = (
        client.audio.transcriptions.create(model=MODEL, file=("a.wav", say(text))).text for text in SENTENCES[:2]
    )
    assert word_error_rate(SENTENCES[0], first) < 0.5 < word_error_rate(SENTENCES[0], second)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("wav", lambda wav_file: wav_file),
        ("flac", lambda wav_file: wav(*samples_of(wav_file), subtype="PCM_16", form="FLAC")),
        ("mp3", lambda wav_file: wav(*samples_of(wav_file), subtype="MPEG_LAYER_III", form="MP3")),
        ("ogg", lambda wav_file: wav(*samples_of(wav_file), subtype="VORBIS", form="OGG")),
        ("webm", lambda wav_file: encode(wav_file, "webm", "libopus", 48_000)),
        ("m4a", lambda wav_file: encode(wav_file, "ipod", "aac", 44_100)),
        ("mp4", lambda wav_file: encode(wav_file, "mp4", "aac", 44_100)),
    ],
)
def test_every_container(client: openai.OpenAI, name: str, file: Callable[[bytes], bytes]) -> None:
    spoken = SENTENCES[1]
    answer = client.audio.transcriptions.create(model=MODEL, file=(f"speech.{name}", file(say(spoken))))
    assert word_error_rate(spoken, answer.text) < 0.2


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 2), (44_100, 2), (48_000, 6), (96_000, 1)])
def test_every_rate_and_channel_count(client: openai.OpenAI, rate: int, channels: int) -> None:
    import soxr

    spoken = SENTENCES[1]
    samples, original = samples_of(say(spoken))
    resampled = soxr.resample(samples, original, rate)
    file = wav(np.repeat(resampled[:, None], channels, axis=1), rate)
    answer = client.audio.transcriptions.create(model=MODEL, file=("speech.wav", file))
    assert word_error_rate(spoken, answer.text) < 0.35
    assert answer.usage is not None
    assert answer.usage.seconds == pytest.approx(len(samples) / original, abs=0.01)  # type: ignore[union-attr]


def test_json_has_usage(client: openai.OpenAI) -> None:
    raw = client.audio.transcriptions.with_raw_response.create(model=MODEL, file=("a.wav", say(SENTENCES[0])))
    body = json.loads(raw.http_response.text)
    usage = body["usage"]
    assert body["no_speech"] is False
    assert usage["audio_seconds"] > usage["audio_seconds_used"] > 2  # heard from the first word to the last
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > usage["output_tokens"] > 5
    assert usage["compute_seconds"] > 0
    assert usage["gpu_seconds"] == 0  # whisper runs on the CPU
    assert set(usage["cost_usd"]) == {"answer", "waking", "idle"}
    timing = raw.headers["server-timing"]
    assert re.fullmatch(r"cold;dur=\S+, queue;dur=\S+, decode;dur=\S+, prefill;dur=\S+, generate;dur=\S+", timing)


def test_text(client: openai.OpenAI) -> None:
    text = client.audio.transcriptions.create(model=MODEL, file=("a.wav", say(SENTENCES[1])), response_format="text")
    assert word_error_rate(SENTENCES[1], str(text)) < 0.2


def test_verbose_json(client: openai.OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model=MODEL,
        file=("a.wav", say(SENTENCES[1])),
        response_format="verbose_json",
        timestamp_granularities=["segment"],
    )
    assert isinstance(answer, TranscriptionVerbose)
    assert answer.language == "en"
    assert answer.segments
    assert answer.segments[0].start < answer.segments[0].end <= answer.duration
    assert "".join(segment.text for segment in answer.segments).strip() == answer.text


def test_subtitles_of_long_speech(client: openai.OpenAI) -> None:
    """Longer than a window: cut at pauses, in order, with the times of where it was said."""
    parts = []
    for text in SENTENCES:
        samples, rate = samples_of(say(text))
        parts += [samples, np.zeros(4 * rate, np.float32)]
    file = wav(np.concatenate(parts * 2), rate)
    subtitles = str(client.audio.transcriptions.create(model=MODEL, file=("a.wav", file), response_format="srt"))
    cues = re.findall(r"\d+\n(\d\d):(\d\d):(\d\d),(\d{3}) --> \S+\n(.+)\n", subtitles)
    starts = [int(h) * 3600 + int(m) * 60 + int(s) + int(ms) / 1000 for h, m, s, ms, _ in cues]
    assert starts == sorted(starts)
    lengths = [len(part) / rate for part in parts]
    said_at = sum(lengths) + sum(lengths[:2])  # the second sentence of the second round
    assert any(abs(start - said_at) < 1.5 and "market" in cue[4] for start, cue in zip(starts, cues, strict=True))
    assert word_error_rate(" ".join(SENTENCES * 2), " ".join(cue[4] for cue in cues)) < 0.2


def test_vtt(client: openai.OpenAI) -> None:
    subtitles = client.audio.transcriptions.create(
        model=MODEL, file=("a.wav", say(SENTENCES[1])), response_format="vtt"
    )
    assert str(subtitles).startswith("WEBVTT\n\n00:00:")


def test_streaming_gives_the_same_text(client: openai.OpenAI) -> None:
    file = say(" ".join(SENTENCES))
    whole = client.audio.transcriptions.create(model=MODEL, file=("a.wav", file)).text
    events = list(client.audio.transcriptions.create(model=MODEL, file=("a.wav", file), stream=True))
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    done = events[-1]
    assert done.type == "transcript.text.done"
    assert len(deltas) > 1
    assert "".join(deltas) == done.text == whole
    assert done.usage is not None
    assert done.usage.output_tokens > 0
    assert set(done.timing) == {"cold", "queue", "decode", "prefill", "generate"}  # type: ignore[attr-defined]


def test_prompt_and_temperature_are_taken(client: openai.OpenAI) -> None:
    answer = client.audio.transcriptions.create(
        model=MODEL, file=("a.wav", say(SENTENCES[1])), prompt="A shopping story. <|endoftext|>", temperature=0.2
    )
    assert word_error_rate(SENTENCES[1], answer.text) < 0.35


@pytest.mark.parametrize("form", ["json", "text", "srt", "vtt", "verbose_json"])
@pytest.mark.parametrize("sound", ["silence", "noise", "50 ms"])
def test_no_speech_is_an_empty_text(client: openai.OpenAI, sound: str, form: str) -> None:
    samples = {
        "silence": np.zeros(40 * 16_000),
        "noise": np.random.default_rng(0).normal(0, 0.05, 20 * 16_000),
        "50 ms": np.random.default_rng(0).normal(0, 0.05, 800),
    }[sound]
    raw = client.audio.transcriptions.with_raw_response.create(
        model=MODEL, file=("a.wav", wav(samples)), extra_body={"response_format": form}
    )
    assert raw.http_response.status_code == 200
    if form.endswith("json"):
        body = json.loads(raw.http_response.text)
        assert (body["text"], body["no_speech"]) == ("", True)
        assert body["usage"]["audio_seconds"] > body["usage"]["audio_seconds_used"] == 0
    else:
        assert raw.http_response.text.strip() in ("", "WEBVTT")


def test_many_at_once_get_their_own_answers(service: ServiceProcess) -> None:
    import asyncio

    clips = [(text, say(text, voice)) for voice in VOICES for text in SENTENCES]

    async def ask() -> list[str]:
        client = openai.AsyncOpenAI(base_url=f"{service.url}/v1", api_key="none", max_retries=0)
        answers = await asyncio.gather(
            *(client.audio.transcriptions.create(model=MODEL, file=("a.wav", file)) for _, file in clips)
        )
        return [answer.text for answer in answers]

    alone = [service.client().audio.transcriptions.create(model=MODEL, file=io.BytesIO(file)).text for _, file in clips]
    assert asyncio.run(ask()) == alone
