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

from kikitori.engines.qwen2_audio.attention import CACHED
from kikitori.engines.qwen2_audio.cache import RowCache, cache_dtype
from kikitori.engines.qwen2_audio.decoding import Decoder, last_hidden, likeliest
from kikitori.engines.qwen2_audio.hearing import hear

if TYPE_CHECKING:
    from transformers import Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

CHUNK_TOKENS = 512
"""Tokens of a prompt that are read at once; the others' next token waits for one chunk at most."""
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
    seed: int | None = None

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

    def chance(self) -> torch.Generator:
        """A source of chance for one answer, the same for the same seed."""
        generator = torch.Generator()
        generator.seed() if self.seed is None else generator.manual_seed(self.seed)
        return generator


@dataclass(eq=False, slots=True)
class Row:
    """One prompt and its answer so far.

    `tokens` are the answer's ids, the last of which the model has not seen yet; `position` is where the next one to
    be read goes, of the prompt or of the answer.
    """

    number: int
    prompt: Tensor
    sounds: list[tuple[Tensor, int]]
    """Mel spectrograms that are still to be heard, with the number of their frames."""
    sampling: Sampling
    processors: LogitsProcessorList
    limit: int
    stream: DecodeStream
    chance: torch.Generator
    heard: list[Tensor] = field(default_factory=list)
    embedded: Tensor | None = None
    """The prompt as the model reads it, (tokens, hidden), once all is heard and until all is read."""
    position: int = 0
    tokens: list[int] = field(default_factory=list)
    finish: Literal["stop", "length", "repetition", "failed"] | None = None

    @property
    def reading(self) -> bool:
        """Whether the prompt has not been read to its end."""
        return not self.tokens and not self.finish

    @property
    def ids(self) -> Tensor:
        """Prompt and answer, (1, tokens)."""
        return torch.cat([self.prompt, torch.tensor(self.tokens, dtype=self.prompt.dtype)])[None]


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
        text = model.config.text_config
        width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        model.model.language_model.set_attn_implementation(CACHED)
        self._cache = RowCache(
            text.num_hidden_layers,
            text.num_key_value_heads,
            width,
            token_budget,
            cache_dtype(model.dtype, model.device),
            model.device,
        )
        self._decoder = Decoder(model, self._cache)
        self._rows: list[Row] = []
        ends = model.generation_config.eos_token_id
        self._ends = {ends} if isinstance(ends, int) else set(ends)

    @property
    def rows(self) -> int:
        """Rows that have a place."""
        return len(self._rows)

    def fits(self, tokens: int) -> bool:
        """Whether a row of that many positions, prompt and answer, may join now."""
        return self._cache.fits(tokens)

    def could_fit(self, tokens: int) -> bool:
        """Whether such a row could ever join, alone."""
        return self._cache.could_fit(tokens)

    def join(self, inputs: dict[str, Tensor], sampling: Sampling, limit: int) -> Row:
        """Give a prompt its row; it is read by `read`.

        Args:
            inputs: what the processor made of one prompt, each of batch size 1; several audios are several features.
            sampling: how to choose tokens.
            limit: most tokens of the answer.
        """
        prompt = inputs["input_ids"][0]
        sounds: list[tuple[Tensor, int]] = []
        if "input_features" in inputs:
            frames = inputs["feature_attention_mask"].sum(-1).tolist()
            sounds = list(zip(inputs["input_features"], frames, strict=True))
        row = Row(
            number=self._cache.join(len(prompt) + limit),
            prompt=prompt,
            sounds=sounds,
            sampling=sampling,
            processors=sampling.processors(),
            limit=limit,
            stream=DecodeStream(skip_special_tokens=True),
            chance=sampling.chance(),
        )
        self._rows.append(row)
        return row

    @torch.inference_mode()
    def read(self, row: Row) -> str:
        """Hear one sound of a row's prompt, or read one chunk of it; gives the first text, once all is read."""
        if row.sounds:
            row.heard.append(hear(self._model, *row.sounds.pop(0)))
            return ""
        if row.embedded is None:
            row.embedded = self._embed(row)
        chunk = row.embedded[None, row.position : row.position + CHUNK_TOKENS]
        end = row.position + chunk.shape[1]
        positions = torch.arange(row.position, end, device=chunk.device)[None]
        view = self._cache.view(row.number, positions, end, causal=row.position == 0)
        hidden = last_hidden(self._model, chunk, view)
        row.position = end
        if end < len(row.embedded):
            return ""
        row.embedded = None
        logits = self._model.lm_head(hidden)
        return self._extend(row, int(likeliest(logits)), logits)

    @torch.inference_mode()
    def step(self) -> list[tuple[Row, str]]:
        """Advance by one token each row that is being answered; gives what that adds to their texts."""
        answering = [row for row in self._rows if not row.reading]
        if not answering:
            return []
        # A row that is still being read takes part with any token: its next chunk writes over that place.
        tokens = [row.tokens[-1] if row.tokens else 0 for row in self._rows]
        decoded = self._decoder(tokens, [row.position for row in self._rows])
        best = decoded.best.tolist()
        texts = []
        for row in answering:
            row.position += 1
            texts.append((row, self._extend(row, best[row.number], decoded.logits[row.number : row.number + 1])))
        return texts

    def leave(self, row: Row) -> None:
        """Free a row's place."""
        self._cache.leave(row.number)
        last = self._rows.pop()
        if last is not row:
            last.number = row.number
            self._rows[row.number] = last

    def _embed(self, row: Row) -> Tensor:
        prompt = row.prompt.to(self._model.device)
        embedded: Tensor = self._model.get_input_embeddings()(prompt)
        if row.heard:
            embedded[prompt == self._model.config.audio_token_id] = torch.cat(row.heard)
            row.heard.clear()
        return embedded

    def _extend(self, row: Row, best: int, logits: Tensor) -> str:
        """Add a row's next token: the likeliest (-1: there is none), or what its sampling makes of the logits."""
        if best < 0:
            row.finish = "failed"
            return ""
        token = best
        if row.processors:
            scores = row.processors(row.ids, logits.float().cpu())
            if row.sampling.temperature > 0:
                token = int(torch.multinomial(scores.softmax(-1), 1, generator=row.chance))
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
