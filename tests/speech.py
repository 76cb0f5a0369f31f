"""Speech to test with: espeak-ng says it, in several voices."""

from __future__ import annotations

import io
import subprocess
from functools import cache

import av
import jiwer
import numpy as np
import numpy.typing as npt
import soundfile

VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m3")

SENTENCES = (
    "Please remember to call the doctor tomorrow morning.",
    "We are going to the market to buy some apples and bread.",
    "The weather today is sunny with a light wind from the west.",
    "My brother works in a small office near the railway station.",
)

Samples = npt.NDArray[np.float32]

_PLAIN = jiwer.Compose(
    [
        jiwer.ToLowerCase(),
        jiwer.RemovePunctuation(),
        jiwer.RemoveMultipleSpaces(),
        jiwer.Strip(),
        jiwer.ReduceToListOfListOfWords(),
    ]
)


@cache
def say(text: str, voice: str = "en-us") -> bytes:
    """A WAV file of the text, 16-bit mono at 22.05 kHz, with the header of a program that writes into a pipe."""
    command = ["espeak-ng", "-v", voice, "-s", "140", "--stdout", text]
    return subprocess.run(command, check=True, capture_output=True).stdout


def samples_of(file: bytes) -> tuple[Samples, int]:
    """The samples of a file, float32 of shape (n,), and their rate in Hz."""
    samples, rate = soundfile.read(io.BytesIO(file), dtype="float32")
    return samples, rate


def wav(samples: npt.NDArray[np.generic], rate: int = 16_000, subtype: str = "PCM_16", form: str = "WAV") -> bytes:
    """A file of samples of shape (n,) or (n, channels)."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def encode(file: bytes, container: str, codec: str, rate: int) -> bytes:
    """The audio of a file in a container that libsndfile does not know."""
    target = io.BytesIO()
    with av.open(io.BytesIO(file), "r") as source, av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        for frame in source.decode(source.streams.audio[0]):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def word_error_rate(spoken: str | list[str], heard: str | list[str]) -> float:
    """Errors per spoken word, whatever the case and the punctuation."""
    return float(jiwer.wer(spoken, heard, reference_transform=_PLAIN, hypothesis_transform=_PLAIN))
