"""The benchmark works, at a size at which its figures mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import decode
from bench.__main__ import table
from bench.scale import SCALES


def test_decoding_is_measured(tmp_path: Path) -> None:
    figures = {figure.name: figure for figure in decode.measure(SCALES["toy"], tmp_path)}
    assert set(figures) == {"decode_speedup", "bandwidth_fraction", "batch8_speedup", "batch8_vs_static"}
    speed = figures["decode_speedup"]
    ratio = speed.parts["kikitori_tokens_per_s"] / speed.parts["generate_tokens_per_s"]
    assert speed.value == pytest.approx(ratio)  # of one round
    assert speed.met is (ratio >= 1.2)
    assert "decode_speedup" in table(list(figures.values()))
