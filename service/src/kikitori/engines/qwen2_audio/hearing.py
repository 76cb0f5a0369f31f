"""From a sound's mel spectrogram to what the language model reads in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.functional import gelu

if TYPE_CHECKING:
    from transformers import Qwen2AudioForConditionalGeneration


def hear(model: Qwen2AudioForConditionalGeneration, mel: Tensor, frames: int) -> Tensor:
    """Embeddings of one sound, (audio tokens, hidden): 25 to a second.

    The model's own encoder always computes 30 s and masks the silence that fills them up. Nothing of a sound depends
    on that silence, so here only the frames that hold the sound are computed.

    Args:
        model: with its encoder and projector, of `transformers.models.qwen2_audio`.
        mel: (mel bands, frames of 10 ms), of the 30 s window.
        frames: how many of them hold sound; at least 3.
    """
    encoder = model.model.audio_tower
    positions = (frames - 1) // 2 + 1
    # The convolutions look one frame ahead each: beyond the last position that is up to frame 2 * positions.
    mel = mel[None, :, : 2 * positions + 1].to(model.device, model.dtype)
    hidden = gelu(encoder.conv2(gelu(encoder.conv1(mel))))[:, :, :positions].transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[:positions]
    for layer in encoder.layers:
        hidden = layer(hidden, None)
    pooled = encoder.avg_pooler(hidden.transpose(1, 2)).transpose(1, 2)
    embeddings: Tensor = model.model.multi_modal_projector(encoder.layer_norm(pooled))
    return embeddings[0]
