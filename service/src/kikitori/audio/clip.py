"""Audio as the engines take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # numpy is a heavy import, and the port opens before it
    import numpy as np
    import numpy.typing as npt

SAMPLE_RATE = 16_000
"""Hz; what both Whisper and Qwen2-Audio hear."""

WINDOW_S = 30.0
"""Seconds; the longest stretch both models take at once."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a clip that holds speech, in samples: start inclusive, end exclusive."""

    start: int
    end: int


class Clip:
    """A decoded recording.

    Args:
        samples: float32 of shape (n,), mono at `SAMPLE_RATE`, within [-1, 1].
        windows: see the property; None finds them when they are first asked for.
    """

    def __init__(self, samples: npt.NDArray[np.float32], windows: tuple[Window, ...] | None = None) -> None:
        self.samples = samples
        self._windows = windows

    @property
    def windows(self) -> tuple[Window, ...]:
        """The stretches with speech, in order, each at most `WINDOW_S` long; empty where nobody speaks.

        Finding them takes about 1 ms for each second of sound, which is more than an event loop can spare.
        """
        if self._windows is None:
            from kikitori.audio.windows import speech_windows

            self._windows = speech_windows(self.samples)
        return self._windows

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def speech_duration(self) -> float:
        """Length of all windows in seconds."""
        return sum(window.end - window.start for window in self.windows) / SAMPLE_RATE
