"""What a loaded model computes with, whatever form it has on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kikitori.engines.qwen2_audio.quantization import QuantizedLinear
from torch import Tensor


def tensors(model: Any) -> dict[str, Tensor]:
    """Parameters, buffers, and the packed weights of quantized layers by name, in the plain order if they have one."""
    return dict(_tensors(model))


def _tensors(model: Any) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        yield name, tensor.to_dense() if tensor.is_mkldnn else tensor
    for name, module in model.named_modules():
        if isinstance(module, QuantizedLinear):
            for part, value in vars(module._product).items():
                if isinstance(value, Tensor):
                    yield f"{name}.{part}", value
