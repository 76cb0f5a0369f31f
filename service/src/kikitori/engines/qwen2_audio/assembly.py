"""A model of transformers' classes, put together of its tensors. To import this takes seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

from kikitori.engines.qwen2_audio.packing import use_packed
from kikitori.engines.qwen2_audio.quantization import CONFIG_KEY, Quantization, pack, quantize_modules
from kikitori.engines.qwen2_audio.rows import Sampling
from kikitori.engines.qwen2_audio.weights import Stored
from kikitori.errors import StartupError

_RENAMED = (
    ("audio_tower.", "model.audio_tower."),
    ("multi_modal_projector.", "model.multi_modal_projector."),
    ("language_model.lm_head.", "lm_head."),
    ("language_model.model.", "model.language_model."),
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to run. `token_budget` is how many positions of keys and values fit beside it."""

    model: Qwen2AudioForConditionalGeneration
    processor: Qwen2AudioProcessor
    token_budget: int

    @property
    def positions(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        return int(self.model.config.text_config.max_position_embeddings)

    def sampling(self, temperature: float) -> Sampling:
        """How to choose tokens at a temperature.

        Sampled as the checkpoint says. Greedy at 0, and then without its repetition penalty: that one counts the words
        of the prompt as well, so it would push a question's own answer away, and a spoken word that is said twice.
        """
        if not temperature:
            return Sampling()
        defaults = self.model.generation_config
        return Sampling(
            temperature,
            defaults.repetition_penalty or 1.0,
            defaults.top_k or 50,
            defaults.top_p or 1.0,
        )


def check_weights(stored: Sequence[Stored], config: Qwen2AudioConfig) -> None:
    """Make sure that these are the tensors of a model, all of them and no others.

    Raises:
        StartupError: the first that is missing, unknown, there twice or of another form.
    """
    missing = without_tensors(config, getattr(config, CONFIG_KEY, None)).state_dict()
    for one in stored:
        place = missing.pop(_current_name(one.name), None)
        if place is None:
            raise StartupError(
                f"{one.shard.name} has {one.name}, which the model has no place for or another file has too."
            )
        fits = one.dtype == place.dtype or (one.dtype.is_floating_point and place.is_floating_point())
        if not fits or one.shape != tuple(place.shape):
            raise StartupError(
                f"{one.shard.name} has {one.name} as {one.dtype} of shape {list(one.shape)}; config.json makes it "
                f"{list(place.shape)}. Copy the model again."
            )
    if missing:
        raise StartupError(f"{len(missing)} weights are missing, first {next(iter(missing))}. Copy the model again.")


def assemble(
    config: Qwen2AudioConfig,
    to: Quantization | None,
    device: torch.device,
    tensors: Iterable[tuple[str, torch.Tensor]],
) -> Qwen2AudioForConditionalGeneration:
    """The model on a device, of its tensors by the names that they are stored under."""
    model = without_tensors(config, to)
    with device:
        # No file has the rotary frequencies: the model computes them.
        language_model = model.model.language_model
        language_model.rotary_emb = type(language_model.rotary_emb)(config.text_config)
    for name, tensor in tensors:
        path, _, leaf = _current_name(name).rpartition(".")
        module = model.get_submodule(path)
        is_parameter = isinstance(getattr(module, leaf), nn.Parameter)
        setattr(module, leaf, nn.Parameter(tensor, requires_grad=False) if is_parameter else tensor)
    use_packed(model)
    pack(model)
    return model.eval()


def without_tensors(config: Qwen2AudioConfig, to: Quantization | None = None) -> Qwen2AudioForConditionalGeneration:
    """The modules of a model, quantized or not, with shapes and no memory."""
    with torch.device("meta"):
        model = Qwen2AudioForConditionalGeneration(config)
    if to:
        quantize_modules(model, to)
    return model


def _current_name(name: str) -> str:
    """What transformers 5 calls a parameter; the hub's files are named as transformers 4 did it."""
    for former, current in _RENAMED:
        if name.startswith(former):
            return current + name.removeprefix(former)
    return name
