"""Spoken digits from the espeak-ng program: seeded utterances with their labels.

The voices, accents and speeds are split into a part for training and a part that training never hears, so that a test
which draws from the second part measures what the model learned and not what it memorised.
"""

from __future__ import annotations

import functools
import io
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.float32]

REGISTERS = ("low", "high")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Variants were sorted by their measured pitch: about 75-115 Hz are called low, 165-290 Hz high, nothing lies between.
TRAIN_LOW = tuple(
    "Adam Alex Diogo Gene Henrique Lee Michael benjamin boris caleb edward grandpa iven iven3 john kaukovalta klatt "
    "klatt2 klatt4 m1 m2 m3 m4 m5 m6 m8 max mike norbert pablo pedro sandro victor".split()
)
TRAIN_HIGH = tuple("Alicia Andrea Annie anika belinda f1 f2 f4 grandma steph steph2".split())
HELD_OUT_LOW = ("m7", "Gene2", "edward2", "antonio", "michel", "Denis")
HELD_OUT_HIGH = ("f3", "f5", "linda", "aunty")

TRAIN_ACCENTS = ("en-us", "en-gb", "en-gb-x-gbcwmd", "en-gb-scotland", "en-gb-x-gbclan", "en-029")
HELD_OUT_ACCENTS = ("en-gb-x-rp", "en-us-nyc")

# Words per minute. The held-out speeds lie between the trained ones.
TRAIN_SPEEDS = (115, 130, 150, 165, 180, 200, 225, 250)
HELD_OUT_SPEEDS = (140, 172, 212)

_PITCH = {"low": (20, 60), "high": (45, 75)}


@dataclass(frozen=True)
class Speaker:
    """One way of speaking: espeak-ng's accent, voice variant, speed, pitch and gap between words."""

    accent: str
    variant: str
    register: str
    """"high" or "low"."""
    speed: int
    """Words per minute."""
    pitch: int = 50
    """espeak-ng's scale, 0 to 99."""
    gap: int = 0
    """Extra pause between words, in units of 10 ms at the default speed."""


@dataclass(frozen=True)
class Utterance:
    """A clip and what is true of it."""

    samples: Samples
    """Mono, shape (n,), within [-1, 1]."""
    sample_rate: int
    """Hz."""
    words: tuple[str, ...]
    speaker: Speaker

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def text(self) -> str:
        """The words with one space between them."""
        return " ".join(self.words)


@functools.cache
def espeak_version() -> str:
    """Return what espeak-ng says of itself; raises FileNotFoundError where the program is not installed."""
    return subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def speak(text: str, speaker: Speaker, sample_rate: int = 16_000) -> Samples:
    """Return `text` as spoken by `speaker`: mono float32 of shape (n,) at `sample_rate` Hz."""
    command = ["espeak-ng", "-v", f"{speaker.accent}+{speaker.variant}", "-s", str(speaker.speed)]
    # Amplitude 60: many variants clip at the default of 100.
    command += ["-p", str(speaker.pitch), "-g", str(speaker.gap), "-a", "60", "--stdout", text]
    sound = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(sound)) as header:
        rate = header.getframerate()
    # The header's length field is a placeholder when espeak-ng writes to a pipe: take what really follows it.
    samples = np.frombuffer(sound[44:], "<i2").astype(np.float32) / 32768
    resampled: Samples = soxr.resample(samples, rate, sample_rate).astype(np.float32)
    return np.clip(resampled, -1, 1)


def draw_speaker(rng: np.random.Generator, *, held_out: bool) -> Speaker:
    """Draw a speaker, high and low equally often, from the held-out or from the training voices."""
    register = REGISTERS[int(rng.integers(2))]
    if held_out:
        variants: Sequence[str] = HELD_OUT_LOW if register == "low" else HELD_OUT_HIGH
        accents: Sequence[str] = HELD_OUT_ACCENTS
        speeds: Sequence[int] = HELD_OUT_SPEEDS
    else:
        variants = TRAIN_LOW if register == "low" else TRAIN_HIGH
        accents, speeds = TRAIN_ACCENTS, TRAIN_SPEEDS
    low, high = _PITCH[register]
    return Speaker(
        accent=accents[int(rng.integers(len(accents)))],
        variant=variants[int(rng.integers(len(variants)))],
        register=register,
        speed=speeds[int(rng.integers(len(speeds)))],
        pitch=int(rng.integers(low, high + 1)),
        gap=int(rng.choice([0, 0, 0, 2, 5])),
    )


def draw_words(rng: np.random.Generator, count: int) -> tuple[str, ...]:
    """Draw `count` digit words."""
    return tuple(DIGITS[int(digit)] for digit in rng.integers(len(DIGITS), size=count))


def draw_utterance(
    rng: np.random.Generator, *, held_out: bool, words: tuple[int, int], sample_rate: int = 16_000
) -> Utterance:
    """Draw one utterance whose number of words lies within `words`, both ends included."""
    speaker = draw_speaker(rng, held_out=held_out)
    spoken = draw_words(rng, int(rng.integers(words[0], words[1] + 1)))
    # A comma makes espeak-ng pause and lower its voice, as people do between groups of digits.
    commas = rng.random(len(spoken)) < 0.12
    text = " ".join(word + ("," if comma else "") for word, comma in zip(spoken, commas, strict=True))
    return Utterance(speak(text, speaker, sample_rate), sample_rate, spoken, speaker)


def held_out_utterances(
    count: int, seed: int = 0, words: tuple[int, int] = (1, 5), sample_rate: int = 16_000
) -> list[Utterance]:
    """Return `count` utterances in voices, accents and speeds that training never hears; the same for the same seed."""
    rng = np.random.default_rng([seed, 71])
    return [draw_utterance(rng, held_out=True, words=words, sample_rate=sample_rate) for _ in range(count)]


def held_out_recording(seconds: float, seed: int = 0, pause: float = 0.6, sample_rate: int = 16_000) -> Utterance:
    """Return one held-out speaker saying groups of one to five digits with pauses, at most `seconds` long in all.

    `pause` is the silence between groups in seconds.
    """
    rng = np.random.default_rng([seed, 72])
    speaker = draw_speaker(rng, held_out=True)
    silence = np.zeros(round(pause * sample_rate), np.float32)
    parts: list[Samples] = []
    spoken: tuple[str, ...] = ()
    while True:
        words = draw_words(rng, int(rng.integers(1, 6)))
        samples = speak(" ".join(words), speaker, sample_rate)
        if parts and sum(map(len, parts)) + len(silence) + len(samples) > seconds * sample_rate:
            return Utterance(np.concatenate(parts), sample_rate, spoken, speaker)
        parts += [silence, samples] if parts else [samples]
        spoken += words
