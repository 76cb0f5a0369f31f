"""A measured number, and whether it is what it should be."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured: mostly a ratio, with what it was made of beside it (the names end in their units)."""

    name: str
    rounds: Sequence[float]
    """What each round gave; the figure is their median."""
    at_least: float | None = None
    at_most: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The figure itself."""
        return statistics.median(self.rounds)

    @property
    def target(self) -> str | None:
        """What the value should be, in words."""
        if self.at_least is not None:
            return f">= {self.at_least:.3g}"
        return None if self.at_most is None else f"<= {self.at_most:.3g}"

    @property
    def met(self) -> bool | None:
        """Whether it is; None where there is no target."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most

    def record(self) -> dict[str, object]:
        """What a result file keeps."""
        return {
            "value": _rounded(self.value),
            "lowest": _rounded(min(self.rounds)),
            "highest": _rounded(max(self.rounds)),
            "target": self.target,
            "met": self.met,
            "parts": {name: _rounded(value) for name, value in self.parts.items()},
        }


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """The ratio of each round: what a busy moment did to both sides of a round cancels out."""
    return [one / other for one, other in zip(numerators, denominators, strict=True)]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
