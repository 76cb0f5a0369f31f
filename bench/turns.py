"""Several ways to the same end, timed in turn: what a busy moment does to one, it does to all."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


def in_turn(rounds: int, **ways: Callable[[], object]) -> dict[str, list[float]]:
    """Seconds of each, by name."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = monotonic()
            way()
            seconds[name].append(monotonic() - began)
    return seconds
