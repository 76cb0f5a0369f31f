"""How large the measured models are: as large as the machine allows, and with the proportions of the 7B one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Qwen2-Audio: the language model's, then the audio encoder's."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    vocabulary: int
    audio_width: int
    audio_layers: int
    audio_heads: int

    @property
    def parameters(self) -> int:
        """All of them, but for norms, biases and the encoder's first and last layers, which are a few thousandths."""
        encoder = 12 * self.audio_width**2 * self.audio_layers
        return self._layers + 2 * self.vocabulary * self.hidden + encoder

    def bytes_per_token(self, positions: float) -> int:
        """Bytes that one row reads for one token in bfloat16: layers, head, and keys and values of its positions."""
        cache = 2 * self.layers * self.hidden * positions
        return int(2 * (self._layers + self.vocabulary * self.hidden + cache))

    @property
    def _layers(self) -> int:
        return self.layers * (4 * self.hidden**2 + 3 * self.hidden * self.intermediate)


@dataclass(frozen=True, slots=True)
class Scale:
    """One size of the whole benchmark.

    `decoding` is the model whose speed is measured and `loading` the one whose cold start is. Answers are `tokens`
    long, and everything is repeated in `rounds`, cold starts in `cold_rounds`.
    """

    name: Literal["toy", "cpu", "gpu"]
    device: Literal["cpu", "cuda"]
    decoding: Shape
    loading: Shape
    tokens: int
    rounds: int
    cold_rounds: int

    def target(self, *, cpu: float, gpu: float) -> float:
        """The one of two targets that counts here."""
        return gpu if self.name == "gpu" else cpu


_TOY = Shape(64, 192, 2, 2, 640, 64, 2, 2)
# A head of 128 and a vocabulary that takes a tenth of the bytes per token, as in the 7B model.
_CPU_DECODING = Shape(1280, 3456, 16, 10, 32_768, 640, 8, 10)
_CPU_LOADING = Shape(2048, 5504, 20, 16, 32_768, 640, 8, 10)
SEVEN_BILLION = Shape(4096, 11_008, 32, 32, 156_032, 1280, 32, 20)
"""Qwen/Qwen2-Audio-7B-Instruct."""

SCALES = {
    "toy": Scale("toy", "cpu", _TOY, _TOY, tokens=24, rounds=1, cold_rounds=1),
    "cpu": Scale("cpu", "cpu", _CPU_DECODING, _CPU_LOADING, tokens=48, rounds=5, cold_rounds=3),
    "gpu": Scale("gpu", "cuda", SEVEN_BILLION, SEVEN_BILLION, tokens=128, rounds=5, cold_rounds=3),
}
"""What can be measured. `toy` only shows that the programs work; `gpu` takes 40 GB of the card."""
