"""One token for every row: the step that is most of the work, as a CUDA graph where there is a GPU."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from kikitori.engines.qwen2_audio.cache import CacheView, RowCache, rounded

if TYPE_CHECKING:
    from transformers import Qwen2AudioForConditionalGeneration

_log = logging.getLogger(__name__)


class Decoded(NamedTuple):
    """What the model says of the next token of each row."""

    best: Tensor
    """The likeliest token's id, (rows,); -1 where the model's numbers have gone wrong."""
    logits: Tensor
    """(rows, vocabulary), in the model's precision."""


def likeliest(logits: Tensor) -> Tensor:
    """The likeliest token's id, (rows,), of logits (rows, vocabulary); -1 where they are not finite numbers."""
    best = logits.max(-1)
    return torch.where(best.values.isfinite(), best.indices, -1)


def last_hidden(model: Qwen2AudioForConditionalGeneration, embedded: Tensor, view: CacheView) -> Tensor:
    """What the language model makes of new tokens: the hidden state of each row's last, (rows, hidden).

    Args:
        model: loaded, on its device.
        embedded: the new tokens as the model reads them, (rows, tokens, hidden).
        view: knows their positions, and takes their keys and values.
    """
    hidden: Tensor = model.model.language_model(
        inputs_embeds=embedded,
        attention_mask=view.mask,
        position_ids=view.positions,
        past_key_values=view,
        use_cache=True,
    ).last_hidden_state
    return hidden[:, -1]


class _Shape(NamedTuple):
    """What a captured graph is fixed to."""

    rows: int
    length: int
    longest: int


class Decoder:
    """Advances all rows of a cache by one token.

    A step launches over a thousand small kernels, and on a fast GPU launching them takes longer than running them. A
    graph is captured once for each shape and launched as one: for the next power of two of rows and the next bucket of
    positions, so that there are few shapes. The rows that fill up write into places that nobody reads.

    Args:
        model: loaded, on its device.
        cache: with the rows.
    """

    def __init__(self, model: Qwen2AudioForConditionalGeneration, cache: RowCache) -> None:
        self._model = model
        self._cache = cache
        self._uses_graphs = model.device.type == "cuda"
        self._graphs: dict[_Shape, tuple[torch.cuda.CUDAGraph, Tensor, Decoded]] = {}

    def __call__(self, tokens: Sequence[int], positions: Sequence[int]) -> Decoded:
        """The next token of each row of the cache.

        Args:
            tokens: each row's last token.
            positions: where it goes.
        """
        longest = max(positions) + 1
        if not self._uses_graphs:
            return self._step(torch.tensor([tokens, positions], device=self._model.device), longest)
        rows = min(1 << (len(tokens) - 1).bit_length(), self._cache.most_rows)
        filled = [0] * (rows - len(tokens))
        inputs = torch.tensor([[*tokens, *filled], [*positions, *filled]])
        shape = _Shape(rows, self._cache.length, min(rounded(longest), self._cache.length))
        if shape not in self._graphs and not self._capture(shape, inputs):
            return self._step(inputs.to(self._model.device), longest)
        graph, static, decoded = self._graphs[shape]
        static.copy_(inputs)
        graph.replay()
        return decoded

    def _step(self, inputs: Tensor, longest: int) -> Decoded:
        tokens, positions = inputs[:, :, None]
        view = self._cache.view(0, positions, longest)
        logits = self._model.lm_head(last_hidden(self._model, self._model.get_input_embeddings()(tokens), view))
        return Decoded(likeliest(logits), logits)

    def _capture(self, shape: _Shape, inputs: Tensor) -> bool:
        """Record the step; steps may be repeated, as they write the same into the same places."""
        static = inputs.to(self._model.device)
        pool = next((graph.pool() for graph, _, _ in self._graphs.values()), None)
        try:
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):  # libraries set themselves up at a first run, which a capture forbids
                self._step(static, shape.longest)
            torch.cuda.current_stream().wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                decoded = self._step(static, shape.longest)
        except RuntimeError:
            _log.exception("a CUDA graph could not be captured; going on without, which is slower")
            self._uses_graphs = False
            return False
        self._graphs[shape] = graph, static, decoded
        return True
