"""tinygemm on a CPU: what torch's two int4 operators for CUDA do, lane by lane as their source has it, and slowly.

https://github.com/pytorch/pytorch/blob/v2.10.0/aten/src/ATen/native/cuda/int4mm.cu
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def tinygemm_on_cpu() -> Iterator[None]:
    """Both operators take tensors of a CPU meanwhile."""
    library = torch.library.Library("aten", "IMPL")
    library.impl("_convert_weight_to_int4pack", _convert, "CPU")
    library.impl("_weight_int4pack_mm", _multiply, "CPU")
    try:
        yield
    finally:
        library._destroy()


def _convert(weight: Tensor, inner: int) -> Tensor:
    """`matrix_to_m16n8k16_Bint4_layout`: (n, k / 2) bytes to (n / 8, k / (inner * 16), 32, inner / 2) int32."""
    assert weight.dtype == torch.uint8
    assert weight.is_contiguous()
    rows, columns = weight.shape[0], 2 * weight.shape[1]
    assert rows % 8 == 0
    assert columns % (inner * 16) == 0
    packed = torch.zeros(rows // 8, columns // (inner * 16), 32, inner // 2, dtype=torch.int64)
    source = weight.tolist()
    for tile, outer, lane, pair in _places(packed):
        first = (outer * inner + 2 * pair) * 16 // 2 + lane % 4
        v = [source[tile * 8 + lane // 4][first + step] for step in (0, 4, 8, 12)]
        word = sum((v[at] & 15) << 16 + 4 * at | v[at] >> 4 << 4 * at for at in range(4))
        packed[tile, outer, lane, pair] = word
    return packed.to(torch.int32)  # wraps, as the bits of a uint32


def _multiply(x: Tensor, packed: Tensor, group: int, grid: Tensor) -> Tensor:
    """`tinygemm_m16n8k16_chunk_kernel`, with the checks of `_weight_int4pack_mm_cuda`."""
    tiles, outers, lanes, pairs = packed.shape
    rows, columns = tiles * 8, x.shape[1]
    assert x.dtype == grid.dtype == torch.bfloat16
    assert x.is_contiguous()
    assert packed.is_contiguous()
    assert grid.is_contiguous()
    assert pairs in (1, 2, 4)
    assert (outers, lanes) == (columns // (pairs * 32), 32)
    assert group in (32, 64, 128, 256)
    assert grid.shape == (columns // group, rows, 2)
    weight = torch.zeros(rows, columns, dtype=torch.bfloat16)
    words = (packed.long() & 0xFFFFFFFF).tolist()
    for tile, outer, lane, pair in _places(packed):
        word = words[tile][outer][lane][pair]
        row, first = tile * 8 + lane // 4, (outer * 2 * pairs + 2 * pair) * 16 + 2 * (lane % 4)
        for at in range(4):
            # The B operand of mma.m16n8k16: pairs of columns, 8 apart. The low half of the word has the first of each.
            weight[row, first + 8 * at] = (word >> 4 * at & 15) - 8
            weight[row, first + 8 * at + 1] = (word >> 16 + 4 * at & 15) - 8
    scale, zero = grid.repeat_interleave(group, 0).transpose(0, 1).float().unbind(-1)
    weight = (weight.float() * scale + zero).bfloat16()  # one rounding: a fused multiply-add
    return (x.float() @ weight.float().T).bfloat16()


def _places(packed: Tensor) -> Iterator[tuple[int, ...]]:
    for place in torch.cartesian_prod(*map(torch.arange, packed.shape)).tolist():
        yield tuple(place)
