"""How fast answers are written, by one stream and by eight, beside `generate`."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from bench.contestants import Answers, Contestant, Kikitori, Transformers, noise
from bench.figures import Figure, ratios
from bench.scale import Scale
from bench.weights import weights

_ALONE_S = 10.0
_TOGETHER_S = (6, 7, 8, 9, 11, 12, 13, 14)
_READ_BYTES = {"cpu": 1 << 29, "cuda": 1 << 32}
"""Much more than any processor's cache."""


def measure(scale: Scale, cache: Path) -> list[Figure]:
    """Time both, in turn, on the same sounds and for the same number of tokens."""
    folder = weights(scale.decoding, cache)
    alone, together = [noise(_ALONE_S)], [noise(seconds) for seconds in _TOGETHER_S]
    rounds: list[tuple[Answers, Answers, Answers, Answers]] = []
    with Contestant(Kikitori, folder) as kikitori, Contestant(Transformers, folder, scale.device) as transformers:
        for tokens in [8] + [scale.tokens] * scale.rounds:
            rounds.append(
                (
                    kikitori.ask(Kikitori.answer, alone, tokens),
                    transformers.ask(Transformers.answer, alone, tokens),
                    kikitori.ask(Kikitori.answer, together, tokens),
                    transformers.ask(Transformers.answer, together, tokens),
                )
            )
            _check_same(rounds[-1][0], rounds[-1][1], tokens)
            _check_same(rounds[-1][2], rounds[-1][3], tokens)
    ours_alone, theirs_alone, ours_together, theirs_together = zip(*rounds[1:], strict=True)  # the first warms up
    one, generate, eight, static = (
        [answers.tokens_per_s for answers in column]
        for column in (ours_alone, theirs_alone, ours_together, theirs_together)
    )
    bandwidth = memory_bandwidth(scale.device)
    positions = _ALONE_S * 25 + scale.tokens / 2
    floor_s = scale.decoding.bytes_per_token(positions) / bandwidth
    return [
        Figure(
            "decode_speedup",
            ratios(one, generate),
            at_least=scale.target(cpu=1.2, gpu=1.5),
            parts={"kikitori_tokens_per_s": median(one), "generate_tokens_per_s": median(generate)},
        ),
        Figure(
            "bandwidth_fraction",
            [floor_s * speed for speed in one],
            at_least=0.7 if scale.name == "gpu" else None,
            parts={
                "bandwidth_gb_per_s": bandwidth / 1e9,
                "floor_ms_per_token": floor_s * 1e3,
                "kikitori_ms_per_token": 1e3 / median(one),
                "generate_fraction": floor_s * median(generate),
            },
        ),
        Figure(
            "batch8_speedup",
            ratios(eight, generate),
            at_least=scale.target(cpu=3, gpu=8),
            parts={"kikitori_tokens_per_s": median(eight), "generate_one_by_one_tokens_per_s": median(generate)},
        ),
        Figure(
            "batch8_vs_static",
            ratios(eight, static),
            at_least=scale.target(cpu=1.3, gpu=1.5),
            parts={
                "kikitori_tokens_per_s": median(eight),
                "generate_batch_tokens_per_s": median(static),
                "kikitori_with_reading_tokens_per_s": median(answers.overall_tokens_per_s for answers in ours_together),
                "generate_batch_with_reading_tokens_per_s": median(
                    answers.overall_tokens_per_s for answers in theirs_together
                ),
            },
        ),
    ]


def _check_same(ours: Answers, theirs: Answers, tokens: int) -> None:
    """Both must have done the same work.

    Raises:
        RuntimeError: they have not.
    """
    lengths = {len(stream) for stream in (*ours.arrivals, *theirs.arrivals)}
    if lengths != {tokens} or ours.texts != theirs.texts:
        raise RuntimeError(f"not the same answers of {tokens} tokens: {ours.texts} and {theirs.texts}")


def memory_bandwidth(device: str) -> float:
    """Bytes a second that all of this processor reads from its memory: the best of several sums over a large tensor."""
    numbers = torch.ones(_READ_BYTES[device] // 4, device=device)
    fastest = float("inf")
    for _ in range(10):
        began = perf_counter()
        numbers.sum().item()
        fastest = min(fastest, perf_counter() - began)
    return int(numbers.nbytes) / fastest
