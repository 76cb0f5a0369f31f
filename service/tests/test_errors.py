"""Bad input: a clear answer with a stable code, and never a 500."""

from __future__ import annotations

import io
import json
import random
import struct
from collections.abc import Iterator

import httpx2 as httpx
import numpy as np
import openai
import pytest

from tests.processes import ServiceProcess
from tests.speech import SENTENCES, encode, samples_of, say, wav

URL = "/v1/audio/transcriptions"
SECOND = np.sin(np.arange(16_000) / 16_000 * 2 * np.pi * 220) * 0.3
WAV = wav(SECOND)


def claiming(size: int) -> bytes:
    """One second of sound whose header claims `size` bytes of it."""
    return WAV[:40] + struct.pack("<I", size) + WAV[44:]


def post(service: ServiceProcess, file: bytes | None, **fields: str) -> httpx.Response:
    files = {} if file is None else {"file": ("a.wav", file)}
    data = {"model": "whisper"} | fields
    # `files` must not be empty for the body to be multipart.
    return httpx.post(service.url + URL, data=data, files=files or {"other": ("", b"x")}, timeout=60)


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        pytest.param(None, 400, "missing_parameter", id="no file"),
        pytest.param(b"", 400, "empty_file", id="empty file"),
        pytest.param(b"Hello, this is text." * 99, 400, "invalid_audio", id="text"),
        pytest.param(bytes(random.Random(0).randbytes(9999)), 400, "invalid_audio", id="random bytes"),
        pytest.param(WAV[:30], 400, "truncated_audio", id="WAV cut in its header"),
        pytest.param(WAV[: len(WAV) // 2], 400, "truncated_audio", id="WAV cut in its data"),
        pytest.param(claiming(4_000_000_000), 400, "truncated_audio", id="WAV that claims 4 GB"),
        pytest.param(claiming(3_000_000_000), 400, "truncated_audio", id="WAV that claims 3 GB"),
        pytest.param(claiming(0xFFFFFFFF), 200, None, id="WAV of unknown length, as written into a pipe"),
        pytest.param(wav(np.full(16_000, np.nan), subtype="FLOAT"), 400, "non_finite_audio", id="NaN"),
        pytest.param(wav(np.full(16_000, np.inf), subtype="FLOAT"), 400, "non_finite_audio", id="infinite"),
        pytest.param(wav(SECOND * 1e30, subtype="FLOAT"), 200, None, id="far beyond full scale"),
        pytest.param(wav(np.zeros(0)), 400, "empty_audio", id="0 s"),
        pytest.param(wav(SECOND[:800]), 200, None, id="50 ms"),
        pytest.param(wav(SECOND[:1]), 200, None, id="one sample"),
        pytest.param(wav(np.zeros(1801 * 8000), 8000), 400, "audio_too_long", id="over the length limit"),
        pytest.param(bytes(33 << 20), 413, "upload_too_large", id="over the size limit"),
        pytest.param(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", 400, "invalid_audio", id="playlist"),
        pytest.param(encode(WAV, "mp4", "aac", 44_100)[:-200], 400, "invalid_audio", id="MP4 cut before its index"),
    ],
)
def test_files(service: ServiceProcess, file: bytes | None, status: int, code: str | None) -> None:
    answer = post(service, file)
    assert answer.status_code == status, answer.text
    if code:
        assert_error(answer, code)


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"model": "gpt-9"}, 404, "model_not_found", "model"),
        ({"response_format": "docx"}, 400, "invalid_parameter", "response_format"),
        ({"response_format": "srt", "stream": "true"}, 400, "invalid_parameter", "response_format"),
        ({"language": "ja"}, 400, "unsupported_language", "language"),
        ({"language": "zz"}, 400, "unsupported_language", "language"),
        ({"prompt": "a" * 64_001}, 400, "invalid_parameter", "prompt"),
        ({"temperature": "nan"}, 400, "invalid_parameter", "temperature"),
        ({"language": "Klingon!"}, 400, "invalid_parameter", "language"),
        ({"temperature": "hot"}, 400, "invalid_parameter", "temperature"),
        ({"timestamp_granularities[]": "word"}, 400, "invalid_parameter", None),
    ],
)
def test_fields(service: ServiceProcess, fields: dict[str, str], status: int, code: str, param: str | None) -> None:
    answer = post(service, WAV, **fields)
    assert answer.status_code == status
    error = assert_error(answer, code)
    if param:
        assert error["param"] == param


@pytest.mark.parametrize("name", ["prompt", "model", "language"])
def test_half_a_character_in_a_form(service: ServiceProcess, name: str) -> None:
    """Reachable where a form names an encoding that can write one."""
    body = (
        '--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    ).encode() + b"no matter\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x; charset=unicode_escape"
    answer = httpx.post(service.url + URL, content=body, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert assert_error(answer, None)["param"] == name


@pytest.mark.parametrize("language", ["en", "EN", "en-US"])
def test_names_of_the_language_it_knows(service: ServiceProcess, language: str) -> None:
    assert post(service, WAV, language=language).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "code"),
    [
        (URL, b'{"model": "whisper"}', "application/json", 415, "unsupported_content_type"),
        (URL, b"model=whisper", "application/x-www-form-urlencoded", 415, "unsupported_content_type"),
        (URL, WAV, "audio/wav", 415, "unsupported_content_type"),
        (URL, b"no boundary", "multipart/form-data", 400, "invalid_body"),
        (URL, b"--x\r\nnonsense", "multipart/form-data; boundary=x", 400, None),
        ("/v1/chat/completions", b"a=b", "application/x-www-form-urlencoded", 415, "unsupported_content_type"),
        ("/v1/chat/completions", b"{", "application/json", 400, "invalid_body"),
        ("/v1/chat/completions", b"{}", "application/json", 400, "missing_parameter"),
        ("/v1/nothing", b"", "application/json", 404, "not_found"),
        ("/v1/models", b"", "application/json", 405, "method_not_allowed"),
    ],
)
def test_bodies(service: ServiceProcess, path: str, body: bytes, kind: str, status: int, code: str | None) -> None:
    answer = httpx.post(service.url + path, content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert_error(answer, code)


def test_a_body_without_announced_length_is_limited(service: ServiceProcess) -> None:
    def parts() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        for _ in range(40):
            yield bytes(1 << 20)
        yield b"\r\n--x--\r\n"

    answer = httpx.post(
        service.url + URL, content=parts(), headers={"Content-Type": "multipart/form-data; boundary=x"}, timeout=60
    )
    assert answer.status_code == 413
    assert_error(answer, "upload_too_large")


def test_the_client_raises_its_own_classes(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        client.audio.transcriptions.create(model="whisper", file=("a.wav", b"nothing"))
    assert (bad.value.code, bad.value.param) == ("invalid_audio", "file")
    with pytest.raises(openai.NotFoundError):
        client.audio.transcriptions.create(model="gpt-9", file=("a.wav", WAV))
    with pytest.raises(openai.APIStatusError) as large:
        client.audio.transcriptions.create(model="whisper", file=("a.wav", bytes(33 << 20)))
    assert large.value.status_code == 413


def test_what_the_engine_cannot_do_names_one_that_can(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="qwen2-audio") as refusal:
        client.audio.translations.create(model="whisper", file=("a.wav", WAV))
    assert refusal.value.code == "unsupported_task"
    with pytest.raises(openai.BadRequestError, match="qwen2-audio") as refusal:
        client.chat.completions.create(model="whisper", messages=[{"role": "user", "content": "What do you hear?"}])
    assert refusal.value.code == "unsupported_task"


def test_damaged_files_never_break_it(service: ServiceProcess) -> None:
    """Real files of every format with bytes overwritten, cut out and repeated."""
    spoken = say(SENTENCES[0])
    samples, rate = samples_of(spoken)
    whole = [
        wav(samples, rate),
        wav(samples, rate, "FLOAT"),
        wav(samples, rate, "PCM_16", "FLAC"),
        wav(samples, rate, "VORBIS", "OGG"),
        wav(samples, rate, "MPEG_LAYER_III", "MP3"),
        encode(spoken, "webm", "libopus", 48_000),
        encode(spoken, "mp4", "aac", 44_100),
    ]
    chance = random.Random(1)
    with httpx.Client(base_url=service.url, timeout=60) as http:
        for number in range(105):
            damaged = bytearray(whole[number % len(whole)])
            for _ in range(chance.choice([1, 8, 64])):
                place = chance.randrange(min(len(damaged), chance.choice([64, 4096, len(damaged)])))
                damaged[place : place + 4] = chance.randbytes(4)
            if chance.random() < 0.3:
                del damaged[chance.randrange(len(damaged)) :]
            answer = http.post(URL, data={"model": "whisper"}, files={"file": ("a", io.BytesIO(bytes(damaged)))})
            assert answer.status_code in (200, 400), (number, answer.text)
            if answer.status_code == 400:
                assert_error(answer, None)
        assert http.get("/health/ready").status_code == 200
    assert service.process.poll() is None


def assert_error(answer: httpx.Response, code: str | None) -> dict[str, str | None]:
    error: dict[str, str | None] = json.loads(answer.text)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    if code:
        assert error["code"] == code
    return error
