"""From no process to the first token with no weights in memory: how long it takes, and how much memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic

from bench.contestants import Contestant, Kikitori, Start, Transformers, noise
from bench.figures import Figure, ratios
from bench.scale import Scale
from bench.weights import weight_bytes, weights

_GIB = 1 << 30
_READERS, _CHUNK = 8, 16 << 20
_FORGOTTEN_WITHIN_S = 10.0
"""Pages that were written a moment ago are in use by the kernel for a while."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Seconds from the decision to start a process until it had imported, was ready, and had said a token.

    `again_s` is what a second first token takes: the model's own work.
    """

    imported_s: float
    ready_s: float
    first_token_s: float
    again_s: float
    peak_bytes: int


def measure(scale: Scale, cache: Path) -> list[Figure]:
    """The engine, `from_pretrained` and `generate`, and merely reading the files; in turn, each in a new process."""
    folder = weights(scale.loading, cache)
    ours: list[ColdStart] = []
    theirs: list[ColdStart] = []
    raw: list[float] = []
    for _ in range(scale.cold_rounds):
        ours.append(start_kikitori(folder))
        theirs.append(_start_transformers(folder, scale.device))
        raw.append(_read_raw(folder))
    size = weight_bytes(folder)
    bare = [other.imported_s + seconds + other.again_s for other, seconds in zip(theirs, raw, strict=True)]
    most = scale.target(cpu=1.15 + _GIB / size, gpu=4 * _GIB / size)
    return [
        Figure(
            "cold_speedup",
            ratios([start.first_token_s for start in theirs], [start.first_token_s for start in ours]),
            at_least=scale.target(cpu=1, gpu=1.5),
            parts={
                "weights_gb": size / 1e9,
                **_parts("kikitori", ours),
                **_parts("from_pretrained", theirs),
            },
        ),
        Figure(
            "cold_vs_raw_read",
            ratios([start.first_token_s for start in ours], bare),
            at_most=1.25,
            parts={
                "kikitori_first_token_s": median(start.first_token_s for start in ours),
                "imports_s": median(start.imported_s for start in theirs),
                "read_s": median(raw),
                "generate_s": median(start.again_s for start in theirs),
            },
        ),
        Figure(
            "load_peak_ratio",
            [start.peak_bytes / size for start in ours],
            at_most=most,
            parts={
                "kikitori_gb": median(start.peak_bytes for start in ours) / 1e9,
                "from_pretrained_gb": median(start.peak_bytes for start in theirs) / 1e9,
                "weights_gb": size / 1e9,
            },
        ),
    ]


def start_kikitori(folder: Path) -> ColdStart:
    """Start the engine with nothing of `folder` in memory."""
    forget(folder)
    began = monotonic()
    with Contestant(Kikitori, folder) as kikitori:
        return _cold_start(
            began,
            lambda: kikitori.ask(Kikitori.answer, [noise(10)], 1).arrivals[0][0],
            lambda: kikitori.ask(Kikitori.start),
        )


def _start_transformers(folder: Path, device: str) -> ColdStart:
    forget(folder)
    began = monotonic()
    with Contestant(Transformers, folder, device) as transformers:
        return _cold_start(
            began,
            lambda: transformers.ask(Transformers.answer, [noise(10)], 1).arrivals[0][0],
            lambda: transformers.ask(Transformers.start),
        )


def _cold_start(began: float, first_token: Callable[[], float], start: Callable[[], Start]) -> ColdStart:
    first_token()
    taken = monotonic() - began
    up = start()
    return ColdStart(up.imported - began, up.ready - began, taken, first_token(), up.peak_bytes)


def _read_raw(folder: Path) -> float:
    """Seconds to read the weights into memory, with several reads at a time."""
    forget(folder)
    began = monotonic()
    with ThreadPoolExecutor(_READERS) as readers:
        parts = [
            readers.submit(_read, file, offset)
            for file in sorted(folder.glob("*.safetensors"))
            for offset in range(0, file.stat().st_size, _CHUNK)
        ]
        kept = [part.result() for part in parts]
    taken = monotonic() - began
    del kept
    return taken


def _read(file: Path, offset: int) -> bytes:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        return os.pread(descriptor, _CHUNK, offset)
    finally:
        os.close(descriptor)


def forget(folder: Path) -> None:
    """Take the weights out of the page cache, without being root and without harm to what else runs.

    Raises:
        RuntimeError: some are still there: another process uses them, or they are in a filesystem of memory.
    """
    for file in folder.glob("*.safetensors"):
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            gone_by = monotonic() + _FORGOTTEN_WITHIN_S
            while True:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                if not any(_in_memory(descriptor, offset) for offset in range(0, file.stat().st_size, _CHUNK)):
                    break
                if monotonic() > gone_by:
                    raise RuntimeError(f"{file} stays in memory")
        finally:
            os.close(descriptor)


def _in_memory(descriptor: int, offset: int) -> bool:
    try:
        return os.preadv(descriptor, [bytearray(1)], offset, os.RWF_NOWAIT) > 0
    except BlockingIOError:
        return False


def _parts(name: str, starts: Sequence[ColdStart]) -> dict[str, float]:
    return {
        f"{name}_imports_s": median(start.imported_s for start in starts),
        f"{name}_ready_s": median(start.ready_s for start in starts),
        f"{name}_first_token_s": median(start.first_token_s for start in starts),
    }
