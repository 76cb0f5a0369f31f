"""What int8 and int4 weights bring: speed, bytes to read, and time to be ready, beside bfloat16."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.cold import start_kikitori
from bench.contestants import Contestant, Kikitori, noise
from bench.figures import Figure, ratios
from bench.scale import Scale
from bench.weights import weight_bytes, weights

_BFLOAT16, _INT8, _INT4 = "none", "int8", "int4"
_FASTER = {_INT8: 1.5, _INT4: 2.2}
_SMALLER = {_INT8: 0.55, _INT4: 0.32}
_QUANTIZE = Path(__file__).parent.parent / "scripts" / "quantize.py"


def measure(scale: Scale, cache: Path) -> list[Figure]:
    """The same engine with the same model in three precisions, in turn."""
    folders = {kind: _weights(scale, cache, kind) for kind in (_BFLOAT16, _INT8, _INT4)}
    sizes = {kind: weight_bytes(folder) for kind, folder in folders.items()}
    speeds: dict[str, list[float]] = {kind: [] for kind in folders}
    ready: dict[str, list[float]] = {kind: [] for kind in folders}
    for _ in range(scale.cold_rounds):
        for kind, folder in folders.items():
            ready[kind].append(start_kikitori(folder).ready_s)
    with ExitStack() as stack:
        contestants = {kind: stack.enter_context(Contestant(Kikitori, folder)) for kind, folder in folders.items()}
        for tokens in [8] + [scale.tokens] * scale.rounds:
            for kind, contestant in contestants.items():
                speeds[kind].append(contestant.ask(Kikitori.answer, [noise(10)], tokens).tokens_per_s)
    figures = []
    on_gpu = scale.name == "gpu"
    for kind in (_INT8, _INT4):
        figures += [
            Figure(
                f"{kind}_decode_speedup",
                ratios(speeds[kind][1:], speeds[_BFLOAT16][1:]),
                at_least=_FASTER[kind] if on_gpu else None,
                parts={
                    f"{kind}_tokens_per_s": median(speeds[kind][1:]),
                    "bfloat16_tokens_per_s": median(speeds[_BFLOAT16][1:]),
                },
            ),
            Figure(
                f"{kind}_bytes_ratio",
                [sizes[kind] / sizes[_BFLOAT16]],
                at_most=_SMALLER[kind] if on_gpu else None,
                parts={f"{kind}_gb": sizes[kind] / 1e9, "bfloat16_gb": sizes[_BFLOAT16] / 1e9},
            ),
            Figure(
                f"{kind}_ready_ratio",
                ratios(ready[kind], ready[_BFLOAT16]),
                parts={f"{kind}_ready_s": median(ready[kind]), "bfloat16_ready_s": median(ready[_BFLOAT16])},
            ),
        ]
    return figures


def _weights(scale: Scale, cache: Path, kind: str) -> Path:
    """The folder with the model in that precision, made by the operators' own script on the first call."""
    source = weights(scale.decoding, cache)
    target = source.with_name(f"{source.name}-{kind}")
    if kind == _BFLOAT16 or target.is_dir():
        return source if kind == _BFLOAT16 else target
    subprocess.run([sys.executable, _QUANTIZE, source, target, "--to", kind], check=True)  # noqa: S603
    return target
