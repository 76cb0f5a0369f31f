"""Qwen2-Audio: https://arxiv.org/abs/2407.10759."""

WINDOW_TOKENS = 1_280
"""Positions that 30 s of sound (750), its prompt and the longest transcript of it take, as the cache counts them."""
