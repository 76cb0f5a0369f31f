"""What a model will take, known from its shapes before a byte is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from kikitori.engines.qwen2_audio import WINDOW_TOKENS
from kikitori.engines.qwen2_audio.cache import cache_dtype
from kikitori.engines.qwen2_audio.quantization import Quantization, quantize_modules
from kikitori.engines.qwen2_audio.weights import Stored
from kikitori.errors import StartupError

_GIB = 1 << 30
_ACTIVATION_BYTES = {"cuda": 2 * _GIB, "cpu": _GIB}
"""Kept for activations, the mel encoder and the libraries' own buffers."""
_CPU_CACHE_BYTES = 8 * _GIB
"""On a CPU the keys and values share memory with everything else, so they do not take all that is free."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Sizes of a model in a precision."""

    parameters: int
    weight_bytes: int
    values_per_token: int
    """Numbers that the keys and values of one position have."""
    dtype: torch.dtype
    precision: str

    def token_budget(self, free_bytes: int, device: torch.device) -> int:
        """How many positions fit beside the weights.

        Raises:
            StartupError: not even one window does.
        """
        room = free_bytes - self.weight_bytes - _ACTIVATION_BYTES[device.type]
        if device.type == "cpu":
            room = min(room, _CPU_CACHE_BYTES)
        bytes_per_token = self.values_per_token * cache_dtype(self.dtype, device).itemsize
        tokens = room // bytes_per_token
        if tokens < WINDOW_TOKENS:
            least = free_bytes - room + WINDOW_TOKENS * bytes_per_token
            smaller = {
                "float32": " KIKITORI_DTYPE=bfloat16 needs half for the weights.",
                "int4": "",
            }.get(self.precision, " KIKITORI_QUANTIZATION=int4 needs less for the weights.")
            raise StartupError(
                f"The model does not fit: {self.parameters / 1e9:.2f} billion parameters in {self.precision} need "
                f"{least / _GIB:.1f} GiB with room for one request, and {free_bytes / _GIB:.1f} GiB are free on the "
                f"{'GPU' if device.type == 'cuda' else 'machine'}.{smaller} Use a larger one, or end what else uses it."
            )
        return int(tokens)


def might_fit(stored: Sequence[Stored], dtype: torch.dtype, free_bytes: int, device: torch.device) -> bool:
    """Whether tensors fit that are not quantized; what the model's class and its cache take is left out of account."""
    weight_bytes = sum(one.values for one in stored) * int(dtype.itemsize)
    return weight_bytes + _ACTIVATION_BYTES[device.type] < free_bytes


def plan_memory(config: Any, dtype: torch.dtype, to: Quantization | None = None) -> MemoryPlan:
    """The sizes of the model that a configuration describes, quantized or not; nothing is allocated."""
    from kikitori.engines.qwen2_audio.assembly import without_tensors

    model = without_tensors(config)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if to:
        quantize_modules(model, to)
    text = config.text_config
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return MemoryPlan(
        parameters=parameters,
        weight_bytes=sum(
            tensor.numel() * (dtype if tensor.is_floating_point() else tensor.dtype).itemsize
            for tensor in model.state_dict().values()
        ),
        values_per_token=2 * text.num_hidden_layers * text.num_key_value_heads * width,
        dtype=dtype,
        precision=to or str(dtype).removeprefix("torch."),
    )
