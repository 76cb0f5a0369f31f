"""How long the first token of an answer takes while others are being written."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from bench.contestants import Contestant, Kikitori, noise
from bench.figures import Figure, ratios
from bench.scale import Scale
from bench.weights import weights


def measure(scale: Scale, cache: Path) -> list[Figure]:
    """A sound of 10 s, alone and with seven others in turn."""
    others = [noise(10 + number / 10) for number in range(1, 8)]
    alone: list[float] = []
    busy: list[float] = []
    with Contestant(Kikitori, weights(scale.decoding, cache)) as kikitori:
        for _ in range(1 + scale.rounds):
            alone.append(kikitori.ask(Kikitori.first_token, noise(10), []))
            busy.append(kikitori.ask(Kikitori.first_token, noise(10), others))
    return [
        Figure(
            "ttft_ratio_busy",
            ratios(busy[1:], alone[1:]),
            at_most=2,
            parts={"alone_s": median(alone[1:]), "with_seven_others_s": median(busy[1:])},
        )
    ]
