"""Weights in 8 and 4 bits: what becomes of the values, and that every product multiplies by exactly these values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from kikitori.engines.qwen2_audio.quantization import (
    _KERNELS,
    Quantization,
    QuantizedEmbedding,
    QuantizedLinear,
    dequantize,
    quantize,
)
from torch import Tensor, nn

from service.tests.qwen2_audio.tinygemm import tinygemm_on_cpu

BOTH = pytest.mark.parametrize("to", ["int8", "int4"])
HALF = 0.5 * (1 + 2**-6)
"""Half a step, and bfloat16's rounding of what is computed from it."""


def weights(rows: int, columns: int, seed: int = 0) -> Tensor:
    """Rows of very different size, with an outlier here and there, in the precision of a checkpoint."""
    random = torch.Generator().manual_seed(seed)
    values = torch.randn(rows, columns, generator=random) * torch.logspace(-4, 1, rows)[:, None]
    values[torch.rand(rows, columns, generator=random) < 0.002] *= 20
    return values.bfloat16()


def values(stored: dict[str, Tensor]) -> Tensor:
    return dequantize(stored["weight"], stored["weight_scale"], stored.get("weight_zero")).float()


ROWS: dict[str, Callable[[], Tensor]] = {
    "ordinary": lambda: weights(64, 256),
    "zeros": lambda: torch.zeros(3, 256, dtype=torch.bfloat16),
    "one value": lambda: torch.full((3, 192), 0.7, dtype=torch.bfloat16),
    "positive only": lambda: weights(16, 192).abs(),
    "negative only": lambda: -weights(16, 96).abs(),
    "one outlier": lambda: torch.eye(64, 448, dtype=torch.bfloat16) * 1000 + weights(64, 448),
    "tiny": lambda: weights(16, 32) * 1e-30,
    "huge": lambda: weights(16, 32) * 1e30,
}


@pytest.mark.parametrize("rows", ROWS)
def test_a_value_moves_by_half_a_step_at_most(rows: str) -> None:
    original = ROWS[rows]().float()
    stored = quantize(original, "int8")
    steps = stored["weight_scale"].float()
    assert ((values(stored) - original).abs() <= HALF * steps[:, None] + 2**-8 * original.abs()).all()
    assert (steps <= original.abs().amax(1) / 127 * 1.01 + 1e-37).all()


@pytest.mark.parametrize("rows", ROWS)
def test_a_group_is_no_worse_than_by_its_whole_range(rows: str) -> None:
    original = ROWS[rows]().float()
    stored = quantize(original, "int4")
    groups = original.unflatten(1, (stored["weight_scale"].shape[1], -1))
    reach = groups.amax(-1).clamp(min=0) - groups.amin(-1).clamp(max=0)
    # As if every value were as far away as it can be with 16 codes over the whole range.
    most = (HALF * 1.01 * reach / 15 + 2**-8 * groups.abs().amax(-1) + 1e-37).double()
    errors = (values(stored) - original).view_as(groups).double().square().mean(-1).sqrt()
    assert (errors <= most).all()


@pytest.mark.parametrize(("to", "most"), [("int8", 0.009), ("int4", 0.1)])
def test_the_error_on_normal_weights(
    to: Quantization, most: float, record_property: Callable[[str, float], None]
) -> None:
    original = torch.randn(512, 1024, generator=torch.Generator().manual_seed(1))
    error = float((values(quantize(original, to)) - original).norm() / original.norm())
    record_property("relative_error", error)
    assert error < most


@BOTH
def test_it_is_the_same_in_parts(to: Quantization, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = quantize(weights(100, 192), to)
    monkeypatch.setattr("kikitori.engines.qwen2_audio.quantization._WORKED_AT_ONCE", 192 * 7)
    parts = quantize(weights(100, 192), to)
    assert all(torch.equal(parts[name], whole[name]) for name in whole)


def filled(module: QuantizedLinear | QuantizedEmbedding, stored: dict[str, Tensor]) -> None:
    for name, part in stored.items():
        meta = getattr(module, name)
        assert (meta.shape, meta.dtype, meta.device.type) == (part.shape, part.dtype, "meta")
        setattr(module, name, part)


@BOTH
def test_the_embedding_looks_up_the_values(to: Quantization) -> None:
    stored = quantize(weights(581, 192), to)
    embedding = QuantizedEmbedding(581, 192, to)
    filled(embedding, stored)
    ids = torch.tensor([[0, 580, 3], [3, 17, 0]])
    assert torch.equal(embedding(ids).float(), values(stored)[ids])


@BOTH
@pytest.mark.parametrize(("rows", "columns"), [(64, 256), (581, 192), (40, 448), (24, 32), (4112, 32)])
@pytest.mark.parametrize("inputs", [(1, 3), (8,), (2, 3, 50)])
def test_the_layer_multiplies_by_the_values(to: Quantization, rows: int, columns: int, inputs: tuple[int, ...]) -> None:
    """Few inputs and many, which take different ways in int8; rows that no kernel takes as they are."""
    stored = quantize(weights(rows, columns), to)
    layer = QuantizedLinear(rows, columns, True, to)
    filled(layer, stored)
    layer.bias = nn.Parameter(torch.full((rows,), -0.5, dtype=torch.bfloat16), requires_grad=False)
    layer.pack()
    x = torch.randn(*inputs, columns, generator=torch.Generator().manual_seed(2)).bfloat16()
    close(layer(x), x, stored, bias=-0.5)


@BOTH
def test_the_layer_takes_every_other_row(to: Quantization) -> None:
    layer = QuantizedLinear(32, 64, False, to)
    filled(layer, quantize(weights(32, 64), to))
    layer.pack()
    x = torch.randn(6, 64).bfloat16()
    assert torch.equal(layer(x[::2]), layer(x[::2].clone()))


@BOTH
@pytest.mark.parametrize(("rows", "columns"), [(16, 256), (21, 192), (8, 96)])
@pytest.mark.parametrize("count", [1, 17, 200])
def test_the_gpu_s_order_of_weights(to: Quantization, rows: int, columns: int, count: int) -> None:
    """The code for CUDA, on a CPU that multiplies as tinygemm's source does."""
    multiplied_on("cpu", to, rows, columns, count)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@BOTH
@pytest.mark.parametrize(("rows", "columns"), [(16, 256), (581, 192), (8, 96), (4096, 11008)])
@pytest.mark.parametrize("count", [1, 17, 200])
def test_the_gpu(to: Quantization, rows: int, columns: int, count: int) -> None:
    multiplied_on("cuda", to, rows, columns, count)


def multiplied_on(device: str, to: Quantization, rows: int, columns: int, count: int) -> None:
    stored = {name: part.to(device) for name, part in quantize(weights(rows, columns), to).items()}
    x = torch.randn(count, columns, generator=torch.Generator().manual_seed(2)).bfloat16().to(device)
    if device == "cpu":
        with tinygemm_on_cpu():
            y = _KERNELS[to, "cuda"](*stored.values())(x)
    else:
        y = _KERNELS[to, "cuda"](*stored.values())(x)
    close(y[:, :rows], x, stored)


def close(y: Tensor, x: Tensor, stored: dict[str, Tensor], bias: float = 0) -> None:
    """Whether `y` is the product with these values but for bfloat16.

    In which it, the values, and what int4's kernels take for zero are rounded; that one has up to 8 steps.
    """
    weight, steps = values(stored).double(), stored["weight_scale"].double()
    steps = (
        steps.repeat_interleave(weight.shape[1] // steps.shape[1], 1) if steps.dim() == 2 else torch.zeros_like(weight)
    )
    right = x.double() @ weight.T + bias
    most = x.double().abs() @ (2**-6 * weight.abs() + 2**-6 * steps).T + 2**-8 * abs(bias)
    assert y.dtype == torch.bfloat16
    assert y.shape == right.shape
    assert ((y.double() - right).abs() <= most).all()
