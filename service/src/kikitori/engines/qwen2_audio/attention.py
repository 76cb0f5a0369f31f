"""Attention in the precision of the cache."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

CACHED = "sdpa_cached"
"""Name of this attention in a transformers configuration."""


def _attend(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    attended, _ = sdpa_attention_forward(module, query.to(key.dtype), key, value, attention_mask, **options)
    return attended.to(query.dtype), None


AttentionInterface.register(CACHED, _attend)
AttentionMaskInterface.register(CACHED, sdpa_mask)
