"""Draws docs/performance.svg from the newest results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

from bench.page import Result

_PICTURE = Path(__file__).parent.parent / "docs" / "performance.svg"
_OURS, _THEIRS = "#1f6f8b", "#b8b8b8"


def draw(results: dict[str, Result]) -> None:
    """Write the picture of the results by their kind: tokens a second, and the parts of a cold start."""
    mpl.rcParams["svg.hashsalt"] = "kikitori"  # else each drawing of the same figures is another file
    figure, axes = pyplot.subplots(len(results), 2, figsize=(11, 2.8 * len(results)), squeeze=False)
    for (speed, cold), (kind, result) in zip(axes, results.items(), strict=True):
        _draw_speed(speed, kind, result.figures)
        _draw_cold(cold, kind, result.figures)
    figure.tight_layout()
    figure.savefig(_PICTURE, metadata={"Date": None})


def _draw_speed(axes: Any, kind: str, figures: dict[str, Any]) -> None:
    bars = [
        ("one stream: kikitori", "decode_speedup", "kikitori_tokens_per_s"),
        ("generate", "decode_speedup", "generate_tokens_per_s"),
        ("eight streams: kikitori", "batch8_vs_static", "kikitori_tokens_per_s"),
        ("generate, one batch", "batch8_vs_static", "generate_batch_tokens_per_s"),
    ]
    bars = [bar for bar in bars if bar[1] in figures][::-1]
    values = [figures[name]["parts"][part] for _, name, part in bars]
    colors = [_OURS if "kikitori" in label else _THEIRS for label, _, _ in bars]
    axes.bar_label(axes.barh([label for label, _, _ in bars], values, color=colors), fmt="%.3g", padding=3)
    axes.set_title(f"{kind}: tokens a second")
    axes.margins(x=0.12)


def _draw_cold(axes: Any, kind: str, figures: dict[str, Any]) -> None:
    parts = figures.get("cold_speedup", {}).get("parts", {})
    for name in ("from_pretrained", "kikitori") if parts else ():
        stages = [parts[f"{name}_{stage}_s"] for stage in ("imports", "ready", "first_token")]
        for began, ended, alpha in zip([0, *stages], stages, (0.4, 1, 0.7), strict=False):
            axes.barh(name, ended - began, left=began, color=_OURS if name == "kikitori" else _THEIRS, alpha=alpha)
    axes.set_title(f"{kind}: cold start in seconds (imports, weights, first token)")
