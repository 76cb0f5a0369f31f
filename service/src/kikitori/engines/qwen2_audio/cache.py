"""Keys and values of running answers, with a position per row, so that rows may join and leave at any token."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_GRAIN = 256
"""Positions are allocated in multiples of this, so that a growing row does not copy the cache at each token."""


class SlotCache:
    """One slot per running row; a row's token at position p lies at index p of its slot.

    Grows as rows need it and is freed when the last one leaves.

    Args:
        layers: decoder layers.
        heads: key-value heads.
        width: size of a head.
        dtype: of the keys and values.
        device: where they live.
    """

    def __init__(self, layers: int, heads: int, width: int, dtype: torch.dtype, device: torch.device) -> None:
        self._shape = (layers, 2, 0, heads, 0, width)
        self._dtype = dtype
        self._device = device
        self._store = torch.zeros(self._shape, dtype=dtype, device=device)
        self._taken: set[int] = set()

    @property
    def slots(self) -> int:
        """Slots that are allocated."""
        return int(self._store.shape[2])

    @property
    def length(self) -> int:
        """Positions that each slot has."""
        return int(self._store.shape[4])

    def take(self, positions: int) -> int:
        """Reserve a slot with at least that many positions."""
        slot = next((one for one in range(self.slots) if one not in self._taken), self.slots)
        self._grow(slot + 1, positions)
        self._taken.add(slot)
        return slot

    def free(self, slot: int) -> None:
        """Give a slot back."""
        self._taken.remove(slot)
        if not self._taken:
            self._store = torch.zeros(self._shape, dtype=self._dtype, device=self._device)

    def tokens_with(self, positions: int) -> int:
        """Token places there would be in all if one more row of that many positions came."""
        if not self._taken:
            return positions
        return max(self.slots, len(self._taken) + 1) * max(self.length, _rounded(positions))

    def view(self, slots: Tensor, positions: Tensor) -> CacheView:
        """The cache as the model sees it in one pass.

        Args:
            slots: shape (rows,), int64.
            positions: shape (rows, tokens), int64: where each new token of each row goes.
        """
        longest = int(positions.max()) + 1
        return CacheView(self._store, slots, positions, longest)

    def _grow(self, slots: int, positions: int) -> None:
        slots, length = max(slots, self.slots), max(_rounded(positions), self.length)
        if (slots, length) == (self.slots, self.length):
            return
        layers, pair, _, heads, _, width = self._shape
        # Zeros, not whatever memory holds: a masked place still takes part in the arithmetic, and NaN stays NaN.
        grown = torch.zeros((layers, pair, slots, heads, length, width), dtype=self._dtype, device=self._device)
        grown[:, :, : self.slots, :, : self.length] = self._store
        self._store = grown


@dataclass(frozen=True, slots=True)
class CacheView:
    """What transformers' attention asks of a cache, for some rows of a `SlotCache`."""

    store: Tensor
    slots: Tensor
    positions: Tensor
    longest: int

    @property
    def mask(self) -> dict[str, Tensor]:
        """Which places each new token may look at: bool, (rows, 1, tokens, longest)."""
        places = torch.arange(self.longest, device=self.positions.device)
        return {"full_attention": places <= self.positions[:, None, :, None]}

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Store the new tokens' keys and values, (rows, heads, tokens, width), and return all of those rows."""
        for part, new in enumerate((keys, values)):
            self.store[layer, part].transpose(1, 2)[self.slots[:, None], self.positions] = new.transpose(1, 2)
        everything = self.store[layer, :, self.slots, :, : self.longest]
        return everything[0], everything[1]

    def get_seq_length(self, layer: int = 0) -> int:
        """Positions in use before this pass; transformers asks, the mask already knows."""
        return int(self.positions.min())


def _rounded(positions: int) -> int:
    return -(-positions // _GRAIN) * _GRAIN
