"""Draws what the simulation says."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from scripts.cost.alternatives import OURS, Service, read_engine
from scripts.cost.clients import Page
from scripts.cost.levers import wait_after_cold_start
from scripts.cost.measurement import Day

Curves = dict[str, list[tuple[float, float]]]
"""By name: points."""

_OURS, _THEIRS, _FLOOR = "#1f6f8b", "#b8b8b8", "#7a5c99"
_STYLE: dict[str, dict[str, Any]] = {
    "Kikitori": {"color": _OURS, "linewidth": 3},
    "Always on": {"color": "#444444", "linestyle": "--"},
    "Gradio": {"color": "#d08a2e"},
    "Gradio with session state": {"color": "#d08a2e", "linestyle": ":"},
    "Streamlit": {"color": "#c0504d"},
    "CPU only, Qwen2-Audio": {"color": "#6a994e"},
    "CPU only, Whisper tiny.en": {"color": "#6a994e", "linestyle": ":"},
    "API by the minute": {"color": _FLOOR, "linestyle": "-."},
}
_COLD_STARTS_S = range(0, 121, 5)
_SPOKEN_S = 30.0


def draw_money(curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """US dollars a month against recordings a day, as SVG."""
    figure, axes = _figure()
    for name, points in curves.items():
        axes.plot(*zip(*points, strict=True), label=name, **_STYLE[name])
    axes.set(xscale="log", yscale="log", xlabel="recordings a day", ylabel="US dollars a month")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    return _finished(figure, axes)


def draw_waits(service: Service) -> str:
    """The wait for the text of a recording that finds no instance, against the length of the cold start, as SVG."""
    figure, axes = _figure()
    ways: dict[str, tuple[Page, dict[str, Any]]] = {
        "wakes as the recording starts": (OURS, {"color": _OURS, "linewidth": 3}),
        "wakes as it ends": (replace(OURS, wakes_at_start=False, stretch_s=None), {"color": "#c0504d"}),
    }
    for name, (behaviour, style) in ways.items():
        waits = [wait_after_cold_start(cold_s, _SPOKEN_S, behaviour, service) for cold_s in _COLD_STARTS_S]
        axes.plot(list(_COLD_STARTS_S), waits, label=name, **style)
    cold_start_s = read_engine(service.engine)[0].cold_start_s
    axes.axvline(cold_start_s, color=_THEIRS, linestyle=":", label=f"assumed: {cold_start_s:.0f} s ({service.engine})")
    axes.set(xlabel="cold start, seconds", ylabel=f"wait for the text of {_SPOKEN_S:.0f} s of speech, seconds")
    return _finished(figure, axes)


def draw_days(days: Sequence[Day]) -> str:
    """What each day's instance time was spent on, hours, as SVG."""
    figure, axes = _figure()
    below = [0.0] * len(days)
    starting = [min(day.starting_s, day.instance_s - day.idle_s) for day in days]
    parts = {
        "with requests": (
            [day.instance_s - day.idle_s - start for day, start in zip(days, starting, strict=True)],
            _OURS,
        ),
        "starting": (starting, "#d08a2e"),
        "idle": ([day.idle_s for day in days], _THEIRS),
    }
    names = [f"{day.end:%m-%d}" for day in days]
    for name, (seconds, color) in parts.items():
        hours = [value / 3600 for value in seconds]
        axes.bar(names, hours, bottom=below, label=name, color=color)
        below = [low + hour for low, hour in zip(below, hours, strict=True)]
    axes.set(xlabel="day until", ylabel="hours of instances")
    return _finished(figure, axes)


def _figure() -> tuple[Figure, Any]:
    figure = Figure(figsize=(8, 4.5))
    return figure, figure.subplots()


def _finished(figure: Figure, axes: Any) -> str:
    axes.grid(visible=True, color="#eeeeee")
    axes.legend(fontsize=8)
    figure.tight_layout()
    text = io.StringIO()
    # Else each drawing of the same figures is another file.
    with mpl.rc_context({"svg.hashsalt": "kikitori"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
