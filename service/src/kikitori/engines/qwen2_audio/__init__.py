"""Qwen2-Audio: https://arxiv.org/abs/2407.10759."""
