"""From bytes to samples."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
import psutil
import pytest
from kikitori.audio.decode import decode
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


def test_channels_are_mixed() -> None:
    left = tone(16_000)
    assert np.abs(decode(wav(np.stack([left, -left], axis=1)), 10)).max() < 0.001


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


def test_a_worker_that_dies_costs_one_request() -> None:
    """Whatever native code does to a bad file: here the decoder is killed in the middle of one."""
    file = wav(tone(8_000, 1700), 8_000, "PCM_16", "FLAC")

    async def scenario() -> None:
        decoder = AudioDecoder(1800)
        await decoder.warm_up()
        doomed = asyncio.create_task(decoder.decode(file))
        worker = next(child for child in psutil.Process().children() if "anyio" in " ".join(child.cmdline()))
        busy = worker.cpu_times().user
        await asyncio.to_thread(until, lambda: worker.cpu_times().user > busy)
        worker.kill()
        with pytest.raises(ServiceError) as error:
            await doomed
        assert error.value.code is Code.INVALID_AUDIO
        clip = await decoder.decode(say(SENTENCES[0]))
        assert clip.windows

    asyncio.run(scenario())


def test_a_decode_that_is_given_up_is_stopped() -> None:
    file = wav(tone(8_000, 1700), 8_000, "PCM_16", "FLAC")

    async def scenario() -> None:
        decoder = AudioDecoder(1800)
        await decoder.warm_up()
        workers = [child for child in psutil.Process().children() if "anyio" in " ".join(child.cmdline())]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(decoder.decode(file), 0.02)
        await asyncio.to_thread(until, lambda: not any(worker.is_running() for worker in workers))

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
