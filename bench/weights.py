"""Models to measure, made here: random weights of a given shape that count through words instead of looping."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoProcessor,
    GenerationConfig,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
)

from bench.scale import Shape

_TINY = Path(__file__).parent.parent / "service" / "tests" / "tiny-qwen2-audio"
_BYTES = 256
"""The first ids of the tokenizer are single bytes, which are not text by themselves."""
_SHARD = "512MB"


def config_of(shape: Shape) -> Qwen2AudioConfig:
    """The configuration of a shape, with the special tokens of the tests' tiny model, whose tokenizer it gets."""
    config = Qwen2AudioConfig.from_pretrained(_TINY)
    for part, changes in (
        (
            config.text_config,
            {
                "hidden_size": shape.hidden,
                "intermediate_size": shape.intermediate,
                "num_hidden_layers": shape.layers,
                "layer_types": ["full_attention"] * shape.layers,
                "num_attention_heads": shape.heads,
                "num_key_value_heads": shape.heads,
                "vocab_size": shape.vocabulary,
                "initializer_range": 0.01,
            },
        ),
        (
            config.audio_config,
            {
                "d_model": shape.audio_width,
                "encoder_layers": shape.audio_layers,
                "encoder_attention_heads": shape.audio_heads,
                "encoder_ffn_dim": 4 * shape.audio_width,
                "initializer_range": 0.01,
            },
        ),
    ):
        for name, value in changes.items():
            setattr(part, name, value)
    return config


def weights(shape: Shape, cache: Path) -> Path:
    """The folder with a bfloat16 model of that shape, made on the first call."""
    folder = cache / hashlib.sha256(repr(shape).encode()).hexdigest()[:12]
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as unfinished:
        _build(shape).save_pretrained(unfinished, max_shard_size=_SHARD)
        processor = AutoProcessor.from_pretrained(_TINY)
        processor.save_pretrained(unfinished)
        Path(unfinished).rename(folder)
        Path(unfinished).mkdir()  # for the context to remove
    return folder


def weight_bytes(folder: Path) -> int:
    """The size of a model's files."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def _build(shape: Shape) -> Any:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            model = Qwen2AudioForConditionalGeneration(config_of(shape))
    finally:
        torch.set_default_dtype(torch.float32)
    model.generation_config = GenerationConfig.from_pretrained(_TINY)
    _let_it_count(model, AutoProcessor.from_pretrained(_TINY).tokenizer)
    return model


@torch.no_grad()
def _let_it_count(model: Any, tokenizer: Any) -> None:
    """Make each word be followed by the next one in the vocabulary.

    Greedy answers of random weights end or loop when they like, and the engine rightly stops a loop. These go on for
    as long as they are asked to, always the same, in any precision and company; they cost what any others cost.
    """
    words = [token for token in range(_BYTES, tokenizer.vocab_size) if "\ufffd" not in tokenizer.decode([token])]
    [before_the_answer] = tokenizer.encode("\n")
    embedding, head = model.get_input_embeddings().weight, model.lm_head.weight
    embedding.normal_()
    head[words] = embedding[words[-1:] + words[:-1]]
    head[words[0]] += embedding[before_the_answer]
