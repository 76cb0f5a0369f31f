"""Sound for Chromium's fake microphone."""

from __future__ import annotations

from functools import cache

import numpy as np
import soxr

from tests.speech import SENTENCES, Samples, samples_of, say, wav

RATE = 16_000
SPOKEN = SENTENCES[1]


@cache
def speech(text: str = SPOKEN) -> Samples:
    """Somebody says it, at 16 kHz and without silence around it."""
    samples, rate = samples_of(say(text))
    resampled: Samples = soxr.resample(samples, rate, RATE)
    loud = np.flatnonzero(np.abs(resampled) > 0.01)
    return resampled[loud[0] : loud[-1] + 1]


def sound(*pieces: Samples | float) -> bytes:
    """A WAV file of sounds and, as numbers, pauses in seconds between them.

    A pause has some noise, as rooms have: sound that is exactly nothing comes from microphones that are off.
    """
    noise = np.random.default_rng(0)
    parts = [
        (noise.standard_normal(round(piece * RATE)) * 1e-4).astype(np.float32)
        if isinstance(piece, int | float)
        else piece
        for piece in pieces
    ]
    return wav(np.concatenate(parts), RATE)
