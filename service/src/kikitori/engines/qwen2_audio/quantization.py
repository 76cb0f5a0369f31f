"""Weights of the language model in 8 or 4 bits: how they are stored, and the products that read them as they are.

Everything of the language model that is a matrix is quantized: its linear layers, the head and the input embedding.
Biases, norms, the audio encoder and the projector stay in bfloat16, in which everything is computed.

Stored, on any device and in a checkpoint, is beside `NAME.weight`:

- int8: `weight` int8 (out, in), `weight_scale` bfloat16 (out,); a value is `weight * scale`.
- int4: `weight` uint8 (out, in / 2), two codes in a byte, that of the even column in the high half; `weight_scale`
  bfloat16 and `weight_zero` uint8, both (out, groups); a value is `(code - zero) * scale`.

The products are torch's own kernels, which need no compiler where they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from kikitori.errors import StartupError

Quantization = Literal["int8", "int4"]

CONFIG_KEY = "kikitori_quantization"
"""In the config.json of a quantized checkpoint; a name of our own, so that no other program takes it for its format."""

_GROUPS = (128, 64, 32)
"""Columns that share a scale and a zero in int4; the first that divides their number. All that the kernels know."""
_NARROW = 0.9
"""An int4 group keeps its whole range, or this share of it where the squared error is then smaller: on normal and on
heavy-tailed weights that takes 8 % off the error, and trying more shares another 1 %."""
_WORKED_AT_ONCE = 1 << 20
"""Weights that are in float32 at the same time while they are quantized. What stays in a processor's cache: 16 times as
many took 12 times as long."""
_ROWS_AT_ONCE = 4096
"""Of a matrix whose order or form is changed, so that the head of 156,032 rows is not in memory several times."""
_CPU_ROWS = 32
"""On a CPU the int8 kernel beats converting the weights first up to about 20 rows (of 1024 columns) or 80 (of
4096)."""
_CUDA_ROWS = 128
"""The GPU kernel reads all weights again for every 16 rows; writing them out in bfloat16 and reading them back costs
about as much as 9 such rounds. Chosen from that and not measured."""

aten = torch.ops.aten


def quantize(weight: Tensor, to: Quantization) -> dict[str, Tensor]:
    """The stored form of a matrix, by the names that its parts have in a module.

    In int8, and in int4 where a group keeps its whole range, a value moves by half a step (its scale) at most.

    Args:
        weight: shape (out, in), floating.
        to: the precision.

    Raises:
        StartupError: no kernel takes a matrix of that many columns.
    """
    if weight.shape[1] % _GROUPS[-1]:
        raise StartupError(
            f"A matrix of {weight.shape[1]} columns, no multiple of {_GROUPS[-1]}, cannot be quantized. Load the model "
            "without KIKITORI_QUANTIZATION."
        )
    encode = _encode_int8 if to == "int8" else _encode_int4
    parts = [encode(rows.float()) for rows in weight.split(max(1, _WORKED_AT_ONCE // weight.shape[1]))]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def dequantize(weight: Tensor, scale: Tensor, zero: Tensor | None) -> Tensor:
    """The values of stored rows in bfloat16, shape (..., in); `zero` is None in int8."""
    if zero is None:
        return weight * scale[..., None]
    codes = _codes(weight).unflatten(-1, (zero.shape[-1], -1))
    return ((codes.to(torch.int8) - zero[..., None]) * scale[..., None]).flatten(-2)


def _encode_int8(rows: Tensor) -> dict[str, Tensor]:
    scale = _scale(rows.abs().amax(-1) / 127)
    return {"weight": (rows / scale[:, None]).round().to(torch.int8), "weight_scale": scale}


def _encode_int4(rows: Tensor) -> dict[str, Tensor]:
    groups = rows.unflatten(-1, (-1, _group(rows.shape[1])))
    whole, narrow = (_fit(groups, share) for share in (1.0, _NARROW))
    less = _error(groups, *narrow) < _error(groups, *whole)
    codes, scale, zero = (torch.where(less, *both) for both in zip(narrow, whole, strict=True))
    codes = codes.flatten(-2).to(torch.uint8)
    return {
        "weight": codes[:, ::2] << 4 | codes[:, 1::2],
        "weight_scale": scale.squeeze(-1),
        "weight_zero": zero.squeeze(-1).to(torch.uint8),
    }


def _fit(groups: Tensor, share: float) -> tuple[Tensor, Tensor, Tensor]:
    """Codes, scale and zero of groups for a share of their range; what lies outside gets the nearest code."""
    least, most = share * groups.amin(-1, keepdim=True).clamp(max=0), share * groups.amax(-1, keepdim=True).clamp(min=0)
    scale = _scale((most - least) / 15)
    zero = (-least / scale).round()
    return (groups / scale).round().add(zero).clamp(0, 15), scale, zero


def _error(groups: Tensor, codes: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    return ((codes - zero) * scale - groups).square().sum(-1, keepdim=True)


def _scale(step: Tensor) -> Tensor:
    """A step in bfloat16, never smaller than it was, so that the codes reach the ends of the range; never 0."""
    return (step * (1 + 2**-8)).clamp(min=torch.finfo(torch.bfloat16).tiny).to(torch.bfloat16)


def _group(columns: int) -> int:
    return next(size for size in _GROUPS if columns % size == 0)


def _codes(weight: Tensor) -> Tensor:
    """The int4 codes of stored rows: uint8, (..., in)."""
    return torch.stack((weight >> 4, weight & 15), -1).flatten(-2)


class _QuantizedMatrix(nn.Module):
    """A module whose matrix is in its stored form, on the meta device until a checkpoint's tensors are put there."""

    def __init__(self, rows: int, columns: int, to: Quantization) -> None:
        super().__init__()
        self.quantization = to
        self.weight: Tensor
        self.weight_scale: Tensor
        self.weight_zero: Tensor | None
        self.register_buffer("weight_zero", None)
        # A row on the CPU, for its form: what torch would import to quantize on the meta device takes seconds.
        for name, part in quantize(torch.zeros(1, columns), to).items():
            self.register_buffer(name, torch.empty(rows, *part.shape[1:], dtype=part.dtype, device="meta"))


class QuantizedEmbedding(_QuantizedMatrix):
    """Looks up rows of a quantized table; only these are dequantized."""

    def forward(self, ids: Tensor) -> Tensor:
        """The rows at `ids`, bfloat16, (..., columns)."""
        zero = None if self.weight_zero is None else self.weight_zero[ids]
        return dequantize(self.weight[ids], self.weight_scale[ids], zero)


class QuantizedLinear(_QuantizedMatrix):
    """`x @ weight.T + bias` with a quantized weight, after `pack` has put it into the order of the device's kernel."""

    def __init__(self, rows: int, columns: int, bias: bool, to: Quantization) -> None:
        super().__init__(rows, columns, to)
        self.out_features = rows
        self.bias = nn.Parameter(torch.empty(rows, dtype=torch.bfloat16, device="meta")) if bias else None
        self._product: _Product | None = None

    def pack(self) -> None:
        """Hand the stored weight to the kernel of the device that it is on."""
        kernel = _KERNELS[self.quantization, self.weight.device.type]
        parts = [part for part in (self.weight, self.weight_scale, self.weight_zero) if part is not None]
        self._product = kernel(*parts)
        del self.weight, self.weight_scale, self.weight_zero

    def forward(self, x: Tensor) -> Tensor:
        """bfloat16, (..., in) to (..., out)."""
        if self._product is None:
            raise RuntimeError("pack() comes first")
        y = self._product(x.reshape(-1, x.shape[-1]).contiguous())[:, : self.out_features]
        if self.bias is not None:
            y = y + self.bias
        return y.reshape(*x.shape[:-1], self.out_features)


class _Product(Protocol):
    """A matrix in a kernel's own order: (rows, in) to (rows, out or a little more), both bfloat16."""

    def __call__(self, x: Tensor) -> Tensor: ...


class _Int8OnCpu:
    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        self._weight, self._scale = weight, scale

    def __call__(self, x: Tensor) -> Tensor:
        if len(x) <= _CPU_ROWS:
            return aten._weight_int8pack_mm(x, self._weight, self._scale)
        return functional.linear(x, self._weight.to(x.dtype)) * self._scale


class _Int4OnCpu:
    """For any number of rows: what undoes this packing depends on the processor.

    https://github.com/pytorch/pytorch/blob/v2.10.0/aten/src/ATen/native/cpu/int4mm_kernel.cpp
    """

    def __init__(self, weight: Tensor, scale: Tensor, zero: Tensor) -> None:
        weight, self._grid = _filled(weight, 16), _grid(_filled(scale, 16), _filled(zero, 16))
        self._group = 2 * weight.shape[1] // scale.shape[1]
        blocks = (_codes(rows).int() for rows in weight.split(_ROWS_AT_ONCE))
        self._packed = torch.cat([aten._convert_weight_to_int4pack_for_cpu(block, 2) for block in blocks])

    def __call__(self, x: Tensor) -> Tensor:
        return aten._weight_int4pack_mm_for_cpu(x, self._packed, self._group, self._grid)


class _Int4OnCuda:
    """tinygemm, for compute capability 8.0 and newer.

    https://github.com/pytorch/pytorch/blob/v2.10.0/aten/src/ATen/native/cuda/int4mm.cu
    """

    def __init__(self, weight: Tensor, scale: Tensor, zero: Tensor) -> None:
        self._packed = _Tiles(_filled(weight, 8))
        self._grid = _grid(_filled(scale, 8), _filled(zero, 8))

    def __call__(self, x: Tensor) -> Tensor:
        if len(x) <= _CUDA_ROWS:
            return self._packed.times(x, self._grid)
        scale, zero = self._grid.transpose(0, 1)[..., None].unbind(2)
        codes = self._packed.codes().view(torch.int8).unflatten(-1, (scale.shape[1], -1))
        return functional.linear(x, torch.addcmul(zero, codes - 8, scale).flatten(-2))


class _Int8OnCuda:
    """int8 as two int4: a byte is 16 times its high half, a code from -8 to 7, and its low half, from 0 to 15.

    The kernel multiplies a matrix of twice the columns, the high halves and then the low ones, by the input given
    twice. All its numbers are exact in bfloat16, and the true scale of a row follows. torch's int8 kernel for CUDA
    would read 16 rows at once, each byte by byte: https://github.com/pytorch/pytorch/pull/190529.
    """

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        weight, self._scale = _filled(weight, 8), _filled(scale, 8)
        self._packed = _Tiles(torch.cat([_halves(rows) for rows in weight.split(_ROWS_AT_ONCE)]))
        self._grid = _halves_grid(*weight.shape, weight.device)

    def __call__(self, x: Tensor) -> Tensor:
        if len(x) <= _CUDA_ROWS:
            return self._packed.times(torch.cat((x, x), 1), self._grid) * self._scale
        high, low = self._packed.codes().view(torch.int8).chunk(2, 1)
        return functional.linear(x, ((high - 8) * 16 + low).to(x.dtype)) * self._scale


class _Tiles:
    """int4 codes in tinygemm's order: int32 (out / 8, in / 16 / inner, 32, inner / 2), what each lane of a warp reads.

    Args:
        weight: uint8 (out, in / 2) as stored; `out` is a multiple of 8.
    """

    def __init__(self, weight: Tensor) -> None:
        inner = next(tiles for tiles in (8, 4, 2) if weight.shape[1] % (8 * tiles) == 0)
        self._tiles = aten._convert_weight_to_int4pack(weight.contiguous(), inner)

    def times(self, x: Tensor, grid: Tensor) -> Tensor:
        """The product with (rows, in)."""
        return aten._weight_int4pack_mm(x, self._tiles, x.shape[1] // len(grid), grid)

    def codes(self) -> Tensor:
        """The codes in their plain order: uint8 (out, in).

        Lane t holds of row t // 4 the columns 2 (t % 4) and the next, and the same 8, 16 and 24 further on; an int32
        has the even ones of these in its lower half.
        """
        rows, columns, _, pairs = self._tiles.shape
        lanes = self._tiles.view(torch.uint8).view(rows, columns, 8, 4, pairs, 2, 2)
        codes = torch.stack((lanes & 15, lanes >> 4), -1)
        return codes.permute(0, 2, 1, 4, 6, 7, 3, 5).reshape(8 * rows, -1)


_KERNELS: dict[tuple[str, str], Any] = {
    ("int8", "cpu"): _Int8OnCpu,
    ("int4", "cpu"): _Int4OnCpu,
    ("int8", "cuda"): _Int8OnCuda,
    ("int4", "cuda"): _Int4OnCuda,
}


def _filled(stored: Tensor, multiple: int) -> Tensor:
    """With rows of zeros below, up to a multiple that a kernel wants."""
    missing = -len(stored) % multiple
    return torch.cat((stored, stored.new_zeros(missing, *stored.shape[1:]))) if missing else stored


def _grid(scale: Tensor, zero: Tensor) -> Tensor:
    """Scales and zeros as both int4 kernels take them, (groups, out, 2): a value is `(code - 8) * scale + zero`."""
    return torch.stack((scale, (8 - zero.to(torch.int8)) * scale), -1).transpose(0, 1).contiguous()


def _halves(rows: Tensor) -> Tensor:
    """int8 rows as stored int4 rows of twice the columns."""
    codes = torch.cat(((rows >> 4) + 8, rows & 15), 1).to(torch.uint8)
    return codes[:, ::2] << 4 | codes[:, 1::2]


@cache
def _halves_grid(rows: int, columns: int, device: torch.device) -> Tensor:
    """The grid of int8's halves, which all matrices of a shape share: scale 16 for the high one, 1 for the low one."""
    group = next(size for size in (256, *_GROUPS) if columns % size == 0)
    grid = torch.tensor([[16.0, 0.0], [1.0, 8.0]], dtype=torch.bfloat16, device=device)
    return grid[:, None].repeat_interleave(columns // group, 0).repeat(1, rows, 1)


def quantized(name: str, tensor: Tensor, to: Quantization) -> Iterator[tuple[str, Tensor]]:
    """What a quantized checkpoint has in place of one tensor."""
    if not _is_quantizable(name, tensor):
        yield name, tensor.to(torch.bfloat16)
        return
    for part, stored in quantize(tensor, to).items():
        yield name.removesuffix("weight") + part, stored


def quantize_modules(model: nn.Module, to: Quantization) -> None:
    """Put quantized modules, still without tensors, in the place of a model's linear layers and embedding."""
    for name, weight in list(model.named_parameters()):
        if not _is_quantizable(name, weight):
            continue
        path, (rows, columns) = name.removesuffix(".weight"), weight.shape
        module = model.get_submodule(path)
        if isinstance(module, nn.Embedding):
            model.set_submodule(path, QuantizedEmbedding(rows, columns, to))
        else:
            model.set_submodule(path, QuantizedLinear(rows, columns, module.bias is not None, to))


def pack(model: nn.Module) -> None:
    """Pack every quantized layer of a model for the device that it is on."""
    for module in model.modules():
        if isinstance(module, QuantizedLinear):
            module.pack()


def _is_quantizable(name: str, tensor: Tensor) -> bool:
    """Whether a tensor is a matrix of the language model, by any of the names that transformers has had for it."""
    return tensor.dim() == 2 and ("language_model." in name or name.startswith("lm_head."))
