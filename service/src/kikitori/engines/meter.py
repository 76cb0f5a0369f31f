"""Who pays for the instance: every second of its life goes to exactly one answer.

A GPU instance is billed while it lives, so an answer costs its own inference, and somebody has to pay for waking
and for idling. The answer that ends such a stretch does, and the figures stay apart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Bill:
    """Seconds of instance time that one answer carries."""

    answer_s: float = 0.0
    waking_s: float = 0.0
    idle_s: float = 0.0


class Meter:
    """Collects unpaid seconds and hands them to the next answer. Belongs to the inference thread."""

    def __init__(self) -> None:
        self._waking_s = 0.0
        self._idle_s = 0.0

    def woke(self, seconds: float) -> None:
        """The instance took this long from the start of its process until ready."""
        self._waking_s += seconds

    def idled(self, seconds: float) -> None:
        """Nothing ran for this long."""
        self._idle_s += seconds

    def bill(self, answer_s: float) -> Bill:
        """The share of the answer that now ends: its inference and all that is unpaid."""
        bill = Bill(answer_s, self._waking_s, self._idle_s)
        self._waking_s = self._idle_s = 0.0
        return bill
