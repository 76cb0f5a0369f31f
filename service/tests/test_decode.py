"""From bytes to samples."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
from kikitori.audio.decode import decode, plain
from kikitori.audio.decoder import AudioDecoder
from kikitori.audio.windows import speech_windows
from kikitori.errors import Code, ServiceError

from tests.processes import until
from tests.speech import SENTENCES, encode, samples_of, say, wav


def tone(rate: int, seconds: float = 1.0, hertz: float = 1000.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_stays_the_tone(rate: int) -> None:
    samples = decode(wav(tone(rate), rate, "FLOAT"), 10)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(16_000, abs=1)
    middle = slice(2_000, 14_000)
    assert np.abs(samples[middle] - tone(16_000)[: len(samples)][middle]).max() < 0.01


RECORDING = wav(np.random.default_rng(0).normal(0, 0.5, 16_000))
"""As the page makes them."""


def test_what_is_plain_is_read_as_if_decoded() -> None:
    samples = plain(RECORDING, 1)
    assert samples is not None
    assert samples.dtype == np.float32
    assert np.array_equal(samples, decode(RECORDING, 1))


@pytest.mark.parametrize(
    "file",
    [
        b"",
        wav(np.zeros(0)),
        wav(tone(8_000), 8_000),
        wav(tone(16_000), subtype="FLOAT"),
        wav(np.zeros((16_000, 2))),
        RECORDING[:-1],
        RECORDING[:-2],
        RECORDING + b"LIST",
        wav(np.zeros(16_001)),
    ],
)
def test_all_else_is_not_plain(file: bytes) -> None:
    assert plain(file, 1) is None


def test_what_is_plain_needs_no_worker() -> None:
    async def scenario() -> None:
        decoder = AudioDecoder(1)
        assert (await decoder.decode(RECORDING)).duration == 1
        assert not workers()
        await decoder.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("packed", [lambda file: file, lambda file: encode(file, "mov", "pcm_s16le", 16_000)])
def test_channels_are_mixed_unless_they_cancel(packed: Callable[[bytes], bytes]) -> None:
    left, right = tone(16_000), tone(16_000, hertz=300) / 2
    middle = slice(1_000, 15_000)

    def heard(*channels: np.ndarray) -> np.ndarray:
        return decode(packed(wav(np.stack(channels, axis=1))), 10)[middle]

    assert np.abs(heard(left, right) - (left + right)[middle] / 2).max() < 0.001
    assert np.abs(heard(left, np.zeros(16_000)) - left[middle] / 2).max() < 0.001
    assert np.abs(heard(-left * 0.9, left) - left[middle]).max() < 0.001
    assert not heard(left * 0, left * 0).any()


def test_what_is_too_loud_is_turned_down_whole() -> None:
    samples = decode(wav(tone(16_000) * 32_768, subtype="FLOAT"), 10)
    assert np.abs(samples - tone(16_000) / 0.5).max() < 0.01


def test_no_more_is_decoded_than_allowed() -> None:
    """Two hours of silence are a few kilobytes of FLAC; a stream without an announced length is stopped on the way."""
    with pytest.raises(ServiceError) as error:
        decode(wav(np.zeros(7200 * 8000, np.int16), 8000, "PCM_16", "FLAC"), 60)
    assert error.value.code is Code.AUDIO_TOO_LONG
    with pytest.raises(ServiceError) as error:
        decode(encode(wav(tone(48_000, 90), 48_000), "webm", "libopus", 48_000), 60)
    assert error.value.code is Code.AUDIO_TOO_LONG


def workers() -> list[psutil.Process]:
    """The pool's processes that live; what was killed may not have been reaped yet."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if "spawn_main" in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def busy_worker() -> psutil.Process:
    """The worker that is decoding: it uses the processor."""
    before: dict[int, float] = {}
    found: list[psutil.Process] = []

    def look() -> bool:
        for worker in workers():
            try:
                used = worker.cpu_times().user
            except psutil.Error:
                continue
            if used - before.setdefault(worker.pid, used) > 0.05 and worker.memory_info().rss > 100 << 20:
                found.append(worker)
        return bool(found)

    until(look)
    return found[0]


async def abandoned(decoder: AudioDecoder, file: bytes) -> None:
    """Ask and go away at once."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(decoder.decode(file), 0.01)


def test_mp3s_are_read_without_seams_and_to_their_real_end() -> None:
    spoken, rate = samples_of(say(" ".join(SENTENCES * 3)))
    file = wav(spoken, rate, "MPEG_LAYER_III", "MP3")
    whole = decode(file, 100)
    assert len(whole) / 16_000 == pytest.approx(len(spoken) / rate, abs=0.1)
    original = decode(wav(spoken, rate), 100)
    lag = int(np.argmax(np.correlate(whole[:48_000], original[:46_000], "valid")))
    length = min(len(original), len(whole) - lag)
    assert np.corrcoef(whole[lag : lag + length], original[:length])[0, 1] > 0.98
    with pytest.raises(ServiceError) as error:
        decode(file[: len(file) // 3], 100)
    assert error.value.code is Code.TRUNCATED_AUDIO


def test_a_worker_that_dies_costs_one_request() -> None:
    """Whatever native code does to a bad file: here the decoder is killed in the middle of one."""
    file = wav(tone(8_000, 1700), 8_000, "PCM_16", "FLAC")

    async def scenario() -> None:
        decoder = AudioDecoder(1800)
        await decoder.warm_up()
        doomed = asyncio.create_task(decoder.decode(file))
        for _ in range(2):  # once could be anything's fault, twice is the file's
            worker = await asyncio.to_thread(busy_worker)
            worker.kill()
        with pytest.raises(ServiceError) as error:
            await doomed
        assert error.value.code is Code.INVALID_AUDIO
        clip = await decoder.decode(say(SENTENCES[0]))
        assert clip.windows
        await decoder.close()

    asyncio.run(scenario())


def blocks(process: int | None, number: signal.Signals) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    [mask] = re.findall(r"^SigBlk:\s+(\w+)$", status, re.MULTILINE)
    return bool(int(mask, 16) & 1 << number - 1)


def test_workers_end_without_a_word_when_they_are_still_starting(capfd: pytest.CaptureFixture[str]) -> None:

    async def scenario() -> None:
        decoder = AudioDecoder(1)
        starting = asyncio.create_task(decoder.warm_up())
        await asyncio.to_thread(until, multiprocessing.active_children)
        # Ctrl-C goes to all processes of a terminal's window.
        assert all(blocks(worker.pid, signal.SIGINT) for worker in multiprocessing.active_children())
        starting.cancel()
        await decoder.close()
        assert multiprocessing.active_children() == []

    asyncio.run(scenario())
    assert capfd.readouterr().err == ""


def test_a_decode_that_is_given_up_is_stopped() -> None:
    file = wav(tone(8_000, 1700), 8_000, "PCM_16", "FLAC")

    async def scenario() -> None:
        decoder = AudioDecoder(1800)
        await decoder.warm_up()
        given_up = asyncio.create_task(decoder.decode(file))
        worker = await asyncio.to_thread(busy_worker)
        given_up.cancel()
        await asyncio.to_thread(until, lambda: not worker.is_running())
        await asyncio.gather(*(abandoned(decoder, file) for _ in range(40)))
        assert (await decoder.decode(say(SENTENCES[0]))).windows
        await asyncio.to_thread(until, lambda: len(workers()) <= 2)
        await decoder.close()

    asyncio.run(scenario())


def test_windows_hold_the_speech_and_no_pause_between() -> None:
    said, rate = samples_of(say(SENTENCES[0]))
    file = wav(np.concatenate([np.zeros(5 * rate), said, np.zeros(10 * rate), said, np.zeros(2 * rate)]), rate)
    first, second = speech_windows(decode(file, 60))
    length = len(said) / rate
    for window, at in ((first, 5.0), (second, 15.0 + length)):
        assert window.start / 16_000 == pytest.approx(at, abs=0.5)
        assert window.end / 16_000 == pytest.approx(at + length, abs=0.7)


def test_speech_without_a_pause_is_cut_all_the_same() -> None:
    said, rate = samples_of(say(" ".join(SENTENCES * 6).replace(".", "")))
    samples = decode(wav(said, rate), 120)
    windows = speech_windows(samples)
    assert len(windows) > 2
    assert all(0 < window.end - window.start <= 30 * 16_000 for window in windows)
    assert all(before.end <= after.start for before, after in pairwise(windows))
    assert sum(window.end - window.start for window in windows) > 0.9 * len(samples)
