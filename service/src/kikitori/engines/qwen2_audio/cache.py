"""Keys and values of running answers, with a position per row, so that rows may join and leave at any token."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_GRAIN = 256
"""The least difference between two lengths of places; the longer they are, the more they differ."""


class RowCache:
    """One fixed store, in which every row has a place of the same length, and the places lie side by side.

    Rows are numbered from 0 without a gap: when one leaves, the last takes its number. So a step over all rows reads
    the store as it lies, without gathering, and the addresses never change, which CUDA graphs need. The length of a
    place follows the longest row: rows are moved apart when a longer one joins, and together when it has left.

    Args:
        layers: decoder layers.
        heads: key-value heads.
        width: size of a head.
        tokens: positions in all; memory is taken at once on a GPU, and as it is written on a CPU.
        dtype: of the keys and values.
        device: where they live.
    """

    def __init__(
        self, layers: int, heads: int, width: int, tokens: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        # Position before head: a row's place is one piece of memory whatever its length.
        self._store = torch.empty((layers, 2, tokens, heads, width), dtype=dtype, device=device)
        self._tokens = tokens
        self._reserved: list[int] = []
        self._length = 0

    @property
    def rows(self) -> int:
        """Rows that have a place."""
        return len(self._reserved)

    @property
    def length(self) -> int:
        """Positions of each place."""
        return self._length

    @property
    def most_rows(self) -> int:
        """Places of the present length that the store has room for."""
        return self._tokens // self._length

    def fits(self, positions: int) -> bool:
        """Whether a row of that many positions may join now."""
        return (self.rows + 1) * max([*self._reserved, positions]) <= self._tokens

    def could_fit(self, positions: int) -> bool:
        """Whether such a row could ever join, alone."""
        return positions <= self._tokens

    def join(self, positions: int) -> int:
        """Give a new row a place of at least that many positions, and its number."""
        self._reserved.append(positions)
        self._lay_out(self.rows - 1)
        # Zeros, not what was there: a masked place still takes part in the arithmetic, and NaN stays NaN.
        self._place(self.rows - 1).zero_()
        return self.rows - 1

    def leave(self, row: int) -> None:
        """Take a row's place away; the last row has its number from now on."""
        last = self.rows - 1
        if row != last:
            self._place(row).copy_(self._place(last))
            self._reserved[row] = self._reserved[last]
        self._reserved.pop()
        self._lay_out(self.rows)

    def view(self, first: int, positions: Tensor, longest: int, causal: bool = False) -> CacheView:
        """The cache as the model sees it in one pass over neighbouring rows.

        Args:
            first: the first of the rows.
            positions: (rows, tokens), int64: where each new token of each row goes.
            longest: how many positions of each row may be looked at.
            causal: the new tokens are all there is of the row, so attention needs no mask.
        """
        rows = positions.shape[0]
        numbers = torch.arange(first, first + rows, device=positions.device)[:, None]
        places = self._store[:, :, first * self._length : (first + rows) * self._length]
        return CacheView(
            store=self._store,
            rows=places.unflatten(2, (rows, self._length))[:, :, :, :longest].transpose(3, 4),
            positions=positions,
            indices=(numbers * self._length + positions).flatten(),
            causal=causal,
        )

    def _length_due(self) -> int:
        return min(rounded(max(self._reserved)), self._tokens // self.rows) if self._reserved else 0

    def _place(self, row: int) -> Tensor:
        return self._store[:, :, row * self._length : (row + 1) * self._length]

    def _lay_out(self, present: int) -> None:
        """Give every place the length that is due, moving what the first rows have written."""
        before, after = self._length, self._length_due()
        if before == after:
            return
        kept = min(before, after)
        # Apart from the last on, together from the first on: no row is written over before it has moved.
        for row in range(present) if after < before else reversed(range(present)):
            for layer in self._store:  # one at a time, so that the copies in between stay small
                moved = layer[:, row * before : row * before + kept].clone()
                layer[:, row * after : row * after + kept] = moved
                layer[:, row * after + kept : (row + 1) * after] = 0
        self._length = after


@dataclass(frozen=True, slots=True)
class CacheView:
    """What transformers' attention asks of a cache, for some rows of a `RowCache`."""

    store: Tensor
    rows: Tensor
    """(layers, 2, rows, heads, longest, width)"""
    positions: Tensor
    indices: Tensor
    causal: bool

    @property
    def mask(self) -> dict[str, Tensor | None]:
        """What is added to the scores of each new token: 0 where it may look, (rows, 1, tokens, longest)."""
        if self.causal:
            return {"full_attention": None}
        places = torch.arange(self.rows.shape[4], device=self.positions.device)
        hidden = places > self.positions[:, None, :, None]
        return {"full_attention": torch.zeros_like(hidden, dtype=self.store.dtype).masked_fill_(hidden, -torch.inf)}

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Store the new tokens' keys and values, (rows, heads, tokens, width), and return all of those rows."""
        for part, new in enumerate((keys, values)):
            placed = new.transpose(1, 2).flatten(0, 1).to(self.store.dtype)
            self.store[layer, part].index_copy_(0, self.indices, placed)
        everything = self.rows[layer]
        return everything[0], everything[1]

    def get_seq_length(self, layer: int = 0) -> int:
        """Positions in use before this pass; transformers asks, the mask and the positions already know."""
        return 0


def rounded(positions: int) -> int:
    """The next of the lengths that places have: about four to each doubling, so that there are few."""
    step = max(_GRAIN, 1 << max(0, positions.bit_length() - 3))
    return -(-positions // step) * step


def cache_dtype(model: torch.dtype, device: torch.device) -> torch.dtype:
    """The precision to keep keys and values in.

    On a CPU float32, whatever the model's: torch reads a cache in bfloat16 five times slower there, for one new token.
    """
    return torch.float32 if device.type == "cpu" else model
