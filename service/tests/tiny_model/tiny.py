"""The smallest real Qwen2-Audio: its configuration, tokenizer and processor, made here and downloaded from nowhere."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Config,
    Qwen2Tokenizer,
    WhisperFeatureExtractor,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from service.tests.tiny_model import tasks
from service.tests.tiny_model.speech import DIGITS

SAMPLE_RATE = 16_000
HOP = 160
WINDOW_SECONDS = 30
MAX_POSITIONS = 1500
"""Encoder positions in the 30 s window: two mel frames of 10 ms each."""

# In the order of the real checkpoint's ids.
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|AUDIO|>",
    "<|audio_bos|>",
    "<|audio_eos|>",
)
T = TypeVar("T", int, torch.Tensor)
SYSTEM = "You are a helpful assistant."


def _training_text() -> Iterator[str]:
    """Yield the text the byte-pair merges are learned from: everything the model is asked or answers."""
    for phrasings in tasks.PROMPTS.values():
        yield from (f"\n{phrasing}" for phrasing in phrasings)
    yield from ("system\n" + SYSTEM, "user\nAudio 1: ", "assistant\n", tasks.NO_SPEECH, "none")
    for table in (DIGITS, tasks.NUMBERS, *tasks.TRANSLATIONS.values()):
        yield from (f"{word} {word}" for word in table)
    for register in ("high", "low"):
        yield tasks.answer("describe", tasks.Truth(("one",), register))
        yield tasks.answer("describe", tasks.Truth(("one", "two"), register))
    yield tasks.answer("summarize", tasks.Truth(("one", "two"), "low"))


def audio_tokens(frames: T) -> T:
    """Return how many tokens a sound of that many mel frames becomes; for numbers and for tensors of them."""
    return ((frames - 1) // 2 + 1 - 2) // 2 + 1


def build_processor() -> Qwen2AudioProcessor:
    """Return the processor: a byte-level BPE of a few hundred tokens, 128 mels, a window of 30 s, the ChatML template.

    All 256 bytes are in the vocabulary, so any text can be encoded.
    """
    bpe = Tokenizer(models.BPE())
    # What Qwen2Tokenizer itself will do, so that the merges fit.
    bpe.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    # Each text is repeated because a merge must be seen twice to count; that makes every known word one token.
    bpe.train_from_iterator((text for text in _training_text() for _ in range(2)), trainer)
    bpe_vocab = bpe.get_vocab()
    merges = [tuple(merge) for merge in json.loads(bpe.to_str())["model"]["merges"]]
    for token in SPECIAL_TOKENS:
        bpe_vocab[token] = len(bpe_vocab)
    tokenizer = Qwen2Tokenizer(
        vocab=bpe_vocab,
        merges=merges,
        additional_special_tokens=list(SPECIAL_TOKENS[1:]),
        padding_side="left",
        model_max_length=8192,
    )
    extractor = WhisperFeatureExtractor(
        feature_size=128,
        sampling_rate=SAMPLE_RATE,
        hop_length=HOP,
        chunk_length=WINDOW_SECONDS,
        return_attention_mask=True,
    )
    # Without a template of its own the processor takes the one of the real checkpoint, which transformers carries.
    return Qwen2AudioProcessor(feature_extractor=extractor, tokenizer=tokenizer)


def sinusoids(length: int, channels: int) -> torch.Tensor:
    """Return Whisper's encoder positions, shape (length, channels).

    transformers leaves these frozen and random; random positions keep a model of this size from learning.
    """
    step = math.log(10_000) / (channels // 2 - 1)
    rates = torch.exp(-step * torch.arange(channels // 2))
    angles = torch.arange(length)[:, None] * rates[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def build_model(processor: Qwen2AudioProcessor) -> Qwen2AudioForConditionalGeneration:
    """Return an untrained model in fp32 with a window of 30 s."""
    tokenizer = processor.tokenizer
    end_of_text, end_of_turn = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"])
    # At the usual 0.02 a model this narrow does not start to learn.
    init = 0.07
    audio = Qwen2AudioEncoderConfig(
        num_mel_bins=128,
        encoder_layers=3,
        encoder_attention_heads=4,
        encoder_ffn_dim=480,
        d_model=144,
        max_source_positions=MAX_POSITIONS,
        initializer_range=init,
    )
    text = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=192,
        intermediate_size=448,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=8192,
        initializer_range=init,
        tie_word_embeddings=False,
        bos_token_id=end_of_text,
        eos_token_id=end_of_turn,
        pad_token_id=end_of_text,
    )
    config = Qwen2AudioConfig(
        audio_config=audio,
        text_config=text,
        audio_token_index=processor.audio_token_id,
        initializer_range=init,
    )
    model = Qwen2AudioForConditionalGeneration(config)
    with torch.no_grad():
        model.model.audio_tower.embed_positions.weight.copy_(sinusoids(MAX_POSITIONS, audio.d_model))
    model.generation_config = GenerationConfig(
        bos_token_id=end_of_text,
        pad_token_id=end_of_text,
        eos_token_id=[end_of_turn, end_of_text],
        do_sample=True,
        repetition_penalty=1.1,
        temperature=0.7,
        top_k=20,
        top_p=0.5,
    )
    return model


def save(model: Qwen2AudioForConditionalGeneration, processor: Qwen2AudioProcessor, folder: Path) -> None:
    """Write weights in bf16, configuration, tokenizer and processor to `folder`, readable by everybody."""
    model.to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)
    for file in folder.iterdir():
        # The weights come out readable by their owner only, which breaks a container that runs as somebody else.
        file.chmod(0o644)
