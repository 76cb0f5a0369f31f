"""Writes docs/performance.md from the newest results; with --check, says whether it is up to date."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.scale import SCALES, SEVEN_BILLION

_RESULTS = Path(__file__).parent / "results"
_PAGE = Path(__file__).parent.parent / "docs" / "performance.md"

_L4_BYTES_PER_S = 300e9

_TITLES = {
    "decode_speedup": "one stream: tokens a second, against `generate`",
    "bandwidth_fraction": "one stream: share of the speed at which memory can be read",
    "batch8_speedup": "eight streams: tokens a second, against `generate` one after the other",
    "batch8_vs_static": "eight streams: tokens a second, against `generate` on one batch",
    "ttft_ratio_busy": "first token of 10 s of sound while seven others are answered, against alone",
    "cold_speedup": "no process to first token, against `from_pretrained` and `generate`",
    "cold_vs_raw_read": "no process to first token, against imports, a bare read of the files, and `generate`",
    "load_peak_ratio": "most memory of the host while loading, against the weights",
    "int8_decode_speedup": "int8: tokens a second, against bfloat16",
    "int8_bytes_ratio": "int8: bytes to read, against bfloat16",
    "int8_ready_ratio": "int8: time to be ready, against bfloat16",
    "int4_decode_speedup": "int4: tokens a second, against bfloat16",
    "int4_bytes_ratio": "int4: bytes to read, against bfloat16",
    "int4_ready_ratio": "int4: time to be ready, against bfloat16",
    "cold_over_warm_s": "stop to text after 20 s of speech: cold start of 19 s on the local Cloud Run, more than warm",
    "open_port_s": "process start to open port",
    "http_overhead_ms": "a chat answer about 10 s of sound over HTTP, more than the engine alone",
    "kikitori_overhead_ms": "a transcript by OpenAI's client, more than the engine alone",
    "gradio_overhead_ms": "the same by Gradio's client from a Gradio app, more than its function alone",
    "gradio_memory_ratio": "Gradio's memory after the first answer, against this service's",
    "gradio_port_ratio": "Gradio's process start to open port, against this service's",
}
_HEAD = """\
<!-- Made by bench/page.py from bench/results; `make bench` measures, `make format` renews it. -->

# Performance

`make bench` measures side by side with what else one could do: the engine with transformers' own `from_pretrained` and
`generate`, the service with a Gradio app, sending while one speaks with sending afterwards. A figure is on this page
only if it was measured; the absolute values behind each ratio are below it.

"""
_WAIT = "stop_to_text_"
_WAITS = """\
## The wait of a person

From the press on stop to the full text: the page in Chromium, the real service with Whisper on the CPU, and a cold
start of 20 s that begins with the recording. What is recorded ends with its last word. The goal, from 30 s on, is at
most 1 s more than the inference of the last stretch.

| recorded | sent while speaking | inference of its last stretch | sent afterwards |
|---|---|---|---|
"""
_COMPARED = """\
## What is compared

- The same weights in bfloat16, random and of the 7B model's proportions, the same sounds, question and number of
  tokens, and `sdpa` asked for on both sides. The weights count through the vocabulary, so that no answer ends early or
  loops, and that both sides say the same is checked. {sizes}.
- `generate` as its documentation has it: greedy, with its cache, in `inference_mode`; eight prompts as one batch with
  padding on the left. Each side is a process of its own, and they take turns. A figure is the median of
  its rounds, with the lowest and the highest behind it.
- Tokens a second count while all streams are being written, without the reading of their prompts; a whole answer's
  rate, prompts included, is beside it. The speed of memory is the best of ten sums over a large tensor.
- The first token beside seven others is asked for at the worst moment, when a step has just begun.
- A cold start is a new process each time, the weights' files taken out of the page cache before, the libraries' not;
  imports count on both sides. The engine's includes its warm-up. The bare read is eight threads and nothing else.
- HTTP is the real service process and OpenAI's client, with the smallest model; decoding of the file and the search for
  speech in it are part of what HTTP adds. The port is measured until it takes a connection.
- Gradio is `bench/apps/gradio_app.py`, with the same Whisper weights and a sentence of 3 s. Each way to ask is
  timed in turn with the bare function, and the quickest of ten counts. Memory is that of all processes, what they share
  counted once.

"""


@dataclass(frozen=True, slots=True)
class Result:
    """One result file."""

    machine: dict[str, Any]
    figures: dict[str, dict[str, Any]]

    def sentence(self) -> str:
        """What it was measured on."""
        one = self.machine
        where = f"{one['gpu']}, " if one["gpu"] else ""
        others = "".join(
            f" At commit {commit}: {', '.join(f'`{name}`' for name in names)}."
            for commit, names in groupby(self.figures, key=lambda name: self.figures[name].get("commit"))
            if commit
        )
        busy = " Other work ran on the machine, so its times are noisy." if one["load"] > one["cores"] / 4 else ""
        return (
            f"{where}{one['cpu']}, {one['cores']} cores, {one['threads']} used, {one['memory_gib']} GiB, "
            f"Linux {one['kernel']}, Python {one['python']}, torch {one['torch']}, transformers {one['transformers']}, "
            f"commit {one['commit']}; the load was {one['load']} at the start.{busy}{others}"
        )


def page(results: dict[str, Result]) -> str:
    """The whole page, of results by kind: CPU and GPU, as far as there are any."""
    return (
        _HEAD
        + _table(results)
        + _waits(results)
        + _COMPARED.format(sizes=_sizes(results))
        + _floor()
        + _absolute(results)
    )


def _table(results: dict[str, Result]) -> str:
    rows = [
        f"| {title} | {_cell(results, 'CPU', name)} | {_cell(results, 'GPU', name)} |\n"
        for name, title in _TITLES.items()
        if any(name in result.figures for result in results.values())
    ]
    machines = [f"- **{kind}**: {result.sentence()}\n" for kind, result in results.items()]
    if "GPU" not in results:
        machines.append("- **GPU**: not measured yet.\n")
    return (
        "| | CPU | target | GPU | target |\n|---|---|---|---|---|\n"
        + "".join(rows)
        + f"\n{''.join(machines)}\n![Tokens a second, and cold start](performance.svg)\n\n"
    )


def _cell(results: dict[str, Result], kind: str, name: str) -> str:
    """A value and its target, which are two cells."""
    if kind not in results or name not in results[kind].figures:
        return "|"
    figure = results[kind].figures[name]
    missed = ", missed" if figure["met"] is False else ""
    target = (figure["target"] or "").replace(">=", "≥").replace("<=", "≤")
    return f"{_spread(figure, _unit(name))}{missed} | {target}"


def _spread(figure: dict[str, Any], unit: str) -> str:
    low, high = figure["lowest"], figure["highest"]
    spread = f" ({low:.3g} to {high:.3g})" if low < high else ""
    return f"{figure['value']:.3g}{unit}{spread}"


def _waits(results: dict[str, Result]) -> str:
    """The wait of a person, by length of the recording."""
    rows = []
    for name, figure in [item for result in results.values() for item in result.figures.items()]:
        if name.startswith(_WAIT):
            parts = figure["parts"]
            missed = ", missed" if figure["met"] is False else ""
            rows.append(
                f"| {name.removeprefix(_WAIT).replace('_', ' ')} | {_spread(figure, ' s')}{missed} "
                f"| {parts['last_inference_s']:.2f} s | {parts['sent_after_stop_s']:.3g} s |\n"
            )
    return _WAITS + "".join(rows) + "\n" if rows else ""


def _unit(name: str) -> str:
    return " ms" if name.endswith("_ms") else " s" if name.endswith("_s") else " ×"


def _sizes(results: dict[str, Result]) -> str:
    sizes = []
    for kind in results:
        scale = SCALES[kind.lower()]
        one, two = (shape.parameters / 1e9 for shape in (scale.decoding, scale.loading))
        cold = f", {two:.2g} billion for cold starts" if one != two else ""
        sizes.append(f"The model has {one:.2g} billion parameters on the {kind}{cold}")
    return ". ".join(sizes)


def _floor() -> str:
    size = SEVEN_BILLION.bytes_per_token(0)
    times = [f"{size * bits / 16 / _L4_BYTES_PER_S * 1e3:.0f} ms" for bits in (16, 8, 4)]
    return (
        "## What an L4 cannot go below\n\n"
        "By arithmetic, not by measurement: one token of the 7B model reads its layers and its head, which are "
        f"{size / 1e9:.2f} GB\nin bfloat16, and an L4 reads {_L4_BYTES_PER_S / 1e9:.0f} GB/s (NVIDIA's data sheet). "
        f"That is {times[0]} a token, {times[1]} in 8 bits and {times[2]} in 4.\n"
        "The keys and values come on top of it, 0.5 MiB for each position of each stream.\n\n"
    )


def _absolute(results: dict[str, Result]) -> str:
    text = "## The absolute values\n"
    for kind, result in results.items():
        text += f"\n| {kind} | |\n|---|---|\n"
        for name, figure in result.figures.items():
            if name.startswith(_WAIT):
                continue
            parts = ", ".join(f"{part} {value:.4g}" for part, value in figure["parts"].items())
            text += f"| `{name}` | {parts} |\n"
    return text


def newest() -> dict[str, Result]:
    """The newest results by kind, CPU and GPU, as far as there are any."""
    files = {kind: sorted(_RESULTS.glob(f"*-{kind.lower()}.json")) for kind in ("CPU", "GPU")}
    return {kind: Result(**json.loads(some[-1].read_text(encoding="utf-8"))) for kind, some in files.items() if some}


def main(arguments: Sequence[str]) -> int:
    """Write the page, or compare it."""
    text = page(newest())
    if "--check" in arguments:
        if _PAGE.read_text(encoding="utf-8") != text:
            print(f"{_PAGE.name} is not made from the newest results: make format", file=sys.stderr)
            return 1
        return 0
    _PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
