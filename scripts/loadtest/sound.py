"""Speech of any length, as the page sends it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

_SPOKEN = Path(__file__).parent.parent / "spoken-digits.flac"


def wav(seconds: float) -> bytes:
    """A WAV file, 16 kHz mono in 16 bits: digits that are spoken again and again."""
    samples, rate = _samples()
    long_enough = np.resize(samples, int(seconds * rate))
    file = io.BytesIO()
    soundfile.write(file, long_enough, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


@cache
def _samples() -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(_SPOKEN, dtype="int16")
    return samples, rate
