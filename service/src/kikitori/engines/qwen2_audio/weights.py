"""Weights from safetensors files to tensors on the device, each as soon as its bytes have come.

Ranges of the files are read by several threads at once, right into the memory where the tensors stay, or by way of a
few pinned buffers to a GPU. The format: https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from operator import index
from queue import SimpleQueue
from threading import Event
from typing import Any, TypeVar

import torch
from torch import Tensor

from kikitori.engines.qwen2_audio.source import READERS, Shard

T = TypeVar("T")

_CHUNK_BYTES = 16 << 20
"""Read at once by one thread."""
_CHUNKS_AHEAD = 2 * READERS
"""Under way or read, and not yet taken: bounds the memory beyond the model's own."""
_LONGEST_HEADER = 100_000_000
"""As safetensors itself has it."""
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor that lies in a file, from byte `start` on."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    shard: Shard
    start: int

    @property
    def nbytes(self) -> int:
        """Bytes in the file, and of the tensor that `stream` gives."""
        return self.values * int(self.dtype.itemsize)

    @property
    def values(self) -> int:
        """Numbers that it has."""
        return int(prod(self.shape))


def stored_tensors(shards: Sequence[Shard]) -> list[Stored]:
    """What is in the files, in their order; only their headers are read.

    Raises:
        ValueError: a file is cut off or is no safetensors file.
    """
    with ThreadPoolExecutor(READERS) as readers:
        return [stored for header in readers.map(_read_header, shards) for stored in header]


def stream(stored: Sequence[Stored], device: torch.device) -> Iterator[tuple[str, Tensor]]:
    """The tensors by name, as they are stored and on the device, in the order given, while later ones are being read.

    Each belongs to the caller. What it does with one does not hold up the readers until they are far ahead.

    Args:
        stored: what to read; tensors that are neighbors in a file should be neighbors here.
        device: where they go. On a GPU, host memory holds `READERS` pinned buffers and no tensors.

    Raises:
        StartupError: Cloud Storage refused.
        OSError: a file could not be read.
    """
    staging = _staging(device)
    under_way: deque[tuple[Future[None], list[tuple[str, Tensor]]]] = deque()
    readers = ThreadPoolExecutor(READERS, thread_name_prefix="weights")
    try:
        for chunk in _chunks(stored, device):
            if len(under_way) == _CHUNKS_AHEAD:
                yield from _arrived(under_way)
            under_way.append((readers.submit(_read_chunk, chunk, staging), chunk.completes))
        while under_way:
            yield from _arrived(under_way)
    finally:
        readers.shutdown(cancel_futures=True)


@contextmanager
def ahead(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """The same items, made in a thread of their own from now on, whether or not anybody asks for them yet.

    What making them raises comes out where the items end. Leaving the block ends the making.
    """
    made: SimpleQueue[T | None] = SimpleQueue()
    abandoned = Event()

    def make() -> None:
        try:
            for item in items:
                if abandoned.is_set():
                    return
                made.put(item)
        finally:
            made.put(None)

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        making = thread.submit(make)

        def taken() -> Iterator[T]:
            while (item := made.get()) is not None:
                yield item
            making.result()

        try:
            yield taken()
        finally:
            abandoned.set()


def _staging(device: torch.device) -> SimpleQueue[Tensor] | None:
    """Host memory that a GPU copies from without a detour; none for a CPU, whose tensors are read into directly."""
    if device.type != "cuda":
        return None
    staging: SimpleQueue[Tensor] = SimpleQueue()
    for _ in range(READERS):
        staging.put(torch.empty(_CHUNK_BYTES, dtype=torch.uint8, pin_memory=True))
    return staging


@dataclass(slots=True)
class _Chunk:
    """A range of a file, the places of its bytes, and the tensors that are whole once it has been read."""

    shard: Shard
    start: int
    nbytes: int = 0
    pieces: list[Tensor] = field(default_factory=list)
    completes: list[tuple[str, Tensor]] = field(default_factory=list)

    def has_room_at(self, shard: Shard, position: int) -> bool:
        return self.shard is shard and self.start + self.nbytes == position and self.nbytes < _CHUNK_BYTES


def _chunks(stored: Sequence[Stored], device: torch.device) -> Iterator[_Chunk]:
    """Small tensors share a chunk, a large one has several. Memory is taken only as the chunks are asked for."""
    chunk: _Chunk | None = None
    for one in stored:
        tensor = torch.empty(one.shape, dtype=one.dtype, device=device)
        places = tensor.view(-1).view(torch.uint8)
        chunk = chunk or _Chunk(one.shard, one.start)
        while len(places):
            position = one.start + one.nbytes - len(places)
            if not chunk.has_room_at(one.shard, position):
                yield chunk
                chunk = _Chunk(one.shard, position)
            piece, places = places.tensor_split([_CHUNK_BYTES - chunk.nbytes])
            chunk.pieces.append(piece)
            chunk.nbytes += len(piece)
        chunk.completes.append((one.name, tensor))
    if chunk:
        yield chunk


def _read_chunk(chunk: _Chunk, staging: SimpleQueue[Tensor] | None) -> None:
    if staging is None:
        chunk.shard.read(chunk.start, [_memory(piece) for piece in chunk.pieces])
        return
    buffer = staging.get()
    try:
        read = buffer[: chunk.nbytes]
        chunk.shard.read(chunk.start, [_memory(read)])
        # A copy returns when it is done, so the buffer is free after the last; the other threads read on meanwhile.
        for piece, part in zip(chunk.pieces, read.split([len(piece) for piece in chunk.pieces]), strict=True):
            piece.copy_(part)
    finally:
        staging.put(buffer)


def _arrived(under_way: deque[tuple[Future[None], list[tuple[str, Tensor]]]]) -> Iterator[tuple[str, Tensor]]:
    """What the oldest chunk completes, once it has been read."""
    chunk, completes = under_way.popleft()
    chunk.result()
    yield from completes


def _memory(piece: Tensor) -> memoryview:
    return memoryview(piece.numpy())


def _read_header(shard: Shard) -> list[Stored]:
    try:
        length = int.from_bytes(_read(shard, 0, 8), "little")
        entries = json.loads(_read(shard, 8, length))
        entries.pop("__metadata__", None)
        return _laid_out(entries, shard, 8 + length)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{shard.name} is cut off or no safetensors file: {error!r}") from error


def _laid_out(entries: dict[str, Any], shard: Shard, data: int) -> list[Stored]:
    """The tensors of a header, checked: they lie end to end from byte `data` on and fill the file."""
    found = []
    position = data
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        stored = Stored(name, _DTYPES[entry["dtype"]], tuple(map(index, entry["shape"])), shard, position)
        begin, end = entry["data_offsets"]
        if min(stored.shape, default=0) < 0 or (data + begin, data + end) != (position, position + stored.nbytes):
            raise ValueError(f"{name} cannot lie at {begin} to {end}")
        found.append(stored)
        position += stored.nbytes
    if position != shard.size:
        raise ValueError(f"{shard.size:,} bytes where {position:,} belong")
    return found


def _read(shard: Shard, start: int, length: int) -> bytes:
    if length > min(shard.size - start, _LONGEST_HEADER):
        raise ValueError(f"{length:,} bytes of header in a file of {shard.size:,}")
    data = bytearray(length)
    shard.read(start, [memoryview(data)])
    return bytes(data)
