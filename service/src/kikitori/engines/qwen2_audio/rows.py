"""Rows of a running batch: each is one prompt being answered, greedily or by sampling, until it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch
from tokenizers.decoders import DecodeStream
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from kikitori.engines.qwen2_audio.cache import SlotCache

if TYPE_CHECKING:
    from transformers import Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

_LOOP_TOKENS, _LOOP_ROUNDS, _LOOP_PERIOD = 32, 8, 16
"""An answer that ends in this many tokens which repeat the same stretch (of at most `_LOOP_PERIOD` tokens) at least
this many times goes round in a loop and will not come out of it."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy."""

    temperature: float = 0.0
    repetition_penalty: float = 1.0
    top_k: int = 50
    top_p: float = 1.0

    def processors(self) -> LogitsProcessorList:
        """The same steps, in the same order, as transformers' `generate`."""
        steps = LogitsProcessorList()
        if self.repetition_penalty != 1.0:
            steps.append(RepetitionPenaltyLogitsProcessor(self.repetition_penalty))
        if self.temperature > 0:
            steps.append(TemperatureLogitsWarper(self.temperature))
            steps.append(TopKLogitsWarper(self.top_k))
            steps.append(TopPLogitsWarper(self.top_p))
        return steps


@dataclass(eq=False, slots=True)
class Row:
    """One prompt and its answer so far.

    `tokens` are the answer's ids, the last of which the model has not seen yet; `position` is where it will go.
    """

    slot: int
    prompt: Tensor
    sampling: Sampling
    processors: LogitsProcessorList
    limit: int
    position: int
    stream: DecodeStream
    tokens: list[int] = field(default_factory=list)
    finish: Literal["stop", "length", "repetition"] | None = None

    @property
    def ids(self) -> Tensor:
        """Prompt and answer, (1, tokens)."""
        answer = torch.tensor([self.tokens], dtype=self.prompt.dtype, device=self.prompt.device)
        return torch.cat([self.prompt, answer], dim=1)


class Batch:
    """The rows that run on one model.

    Args:
        model: a Qwen2-Audio model, loaded.
        processor: its tokenizer and feature extractor.
        token_budget: token places that the keys and values may take.
    """

    def __init__(
        self, model: Qwen2AudioForConditionalGeneration, processor: Qwen2AudioProcessor, token_budget: int
    ) -> None:
        self._model = model
        self._tokenizer = processor.tokenizer.backend_tokenizer
        self._budget = token_budget
        text = model.config.text_config
        width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        self._cache = SlotCache(text.num_hidden_layers, text.num_key_value_heads, width, model.dtype, model.device)
        ends = model.generation_config.eos_token_id
        self._ends = {ends} if isinstance(ends, int) else set(ends)

    def fits(self, tokens: int) -> bool:
        """Whether a row of that many positions, prompt and answer, may join now."""
        return self._cache.tokens_with(tokens) <= self._budget

    def could_fit(self, tokens: int) -> bool:
        """Whether such a row could ever join, alone."""
        return tokens <= self._budget

    @torch.inference_mode()
    def join(self, inputs: dict[str, Tensor], sampling: Sampling, limit: int) -> tuple[Row, str]:
        """Read a prompt and give its row and first text.

        Args:
            inputs: what the processor made of one prompt, each of batch size 1; several audios are several features.
            sampling: how to choose tokens.
            limit: most tokens of the answer.
        """
        prompt = inputs["input_ids"]
        length = prompt.shape[1]
        slot = self._cache.take(length + limit)
        row = Row(slot, prompt, sampling, sampling.processors(), limit, length, DecodeStream(skip_special_tokens=True))
        positions = torch.arange(length, device=prompt.device)[None]
        view = self._cache.view(torch.tensor([slot], device=prompt.device), positions)
        features = {name: inputs[name] for name in ("input_features", "feature_attention_mask") if name in inputs}
        hidden = self._model.model(
            input_ids=prompt,
            attention_mask=view.mask,
            position_ids=positions,
            past_key_values=view,
            use_cache=True,
            **features,
        ).last_hidden_state
        [text] = self._choose([row], self._model.lm_head(hidden[:, -1]))
        return row, text

    @torch.inference_mode()
    def step(self, rows: Sequence[Row]) -> list[str]:
        """Advance rows by one token each; gives what that adds to their texts."""
        device = self._model.device
        positions = torch.tensor([[row.position] for row in rows], device=device)
        view = self._cache.view(torch.tensor([row.slot for row in rows], device=device), positions)
        hidden = self._model.model.language_model(
            input_ids=torch.tensor([[row.tokens[-1]] for row in rows], device=device),
            attention_mask=view.mask,
            position_ids=positions,
            past_key_values=view,
            use_cache=True,
        ).last_hidden_state
        for row in rows:
            row.position += 1
        return self._choose(rows, self._model.lm_head(hidden[:, -1]))

    def leave(self, row: Row) -> None:
        """Free a row's place."""
        self._cache.free(row.slot)

    def _choose(self, rows: Sequence[Row], logits: Tensor) -> list[str]:
        scores = logits.float()
        return [self._extend(row, scores[index : index + 1]) for index, row in enumerate(rows)]

    def _extend(self, row: Row, scores: Tensor) -> str:
        if row.processors:
            scores = row.processors(row.ids, scores)
        if row.sampling.temperature > 0:
            token = int(torch.multinomial(scores.softmax(-1), 1))
        else:
            token = int(scores.argmax(-1))
        if token in self._ends:
            row.finish = "stop"
            return ""
        row.tokens.append(token)
        if len(row.tokens) >= row.limit:
            row.finish = "length"
        elif goes_round(row.tokens):
            row.finish = "repetition"
        text: Any = row.stream.step(self._tokenizer, token)
        return text or ""


def goes_round(tokens: Sequence[int]) -> bool:
    """Whether the end of `tokens` repeats itself so often that it will go on doing so."""
    for period in range(1, _LOOP_PERIOD + 1):
        span = max(_LOOP_TOKENS, period * _LOOP_ROUNDS)
        if len(tokens) >= span and all(tokens[-at] == tokens[-at - period] for at in range(1, span - period + 1)):
            return True
    return False
