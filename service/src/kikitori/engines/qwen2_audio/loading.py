"""From a name to a model that is ready to run, or a word that says why not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoProcessor,
    GenerationConfig,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
)

from kikitori.engines.protocol import Phase, Report
from kikitori.engines.qwen2_audio.memory import plan_memory
from kikitori.engines.qwen2_audio.quantization import CONFIG_KEY, Quantization, pack, quantize_modules, quantized
from kikitori.engines.qwen2_audio.rows import Sampling
from kikitori.engines.qwen2_audio.source import Source, opened
from kikitori.engines.qwen2_audio.weights import Stored, stored_tensors, stream
from kikitori.errors import StartupError

_RENAMED = (
    ("audio_tower.", "model.audio_tower."),
    ("multi_modal_projector.", "model.multi_modal_projector."),
    ("language_model.lm_head.", "lm_head."),
    ("language_model.model.", "model.language_model."),
)

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
QuantizationAsked = Literal["none", "int8", "int4"] | None


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


def load(
    model: str,
    revision: str | None,
    dtype: Dtype,
    trust_remote_code: bool,
    report: Report,
    quantization: QuantizationAsked = None,
) -> Loaded:
    """Fetch, check, and load onto the GPU where there is one.

    Args:
        model: hub id, folder, or gs:// address.
        revision: commit, branch or tag of the hub.
        dtype: of the weights; `auto` is bfloat16 on a GPU and float32 on a CPU.
        trust_remote_code: let Python code that comes with the model run.
        report: told of the phases and bytes.
        quantization: of the language model; None is as the model is stored.

    Raises:
        StartupError: the message says what to change.
    """
    report(Phase.DEVICE)
    device = _device()
    free = _free_bytes(device)
    report(Phase.WEIGHTS)
    with opened(model, revision) as source, damage_told(model):
        config = read_config(source, model, trust_remote_code)
        processor = AutoProcessor.from_pretrained(source.folder, trust_remote_code=trust_remote_code)
        generation = GenerationConfig.from_pretrained(source.folder)
        if generation.eos_token_id is None:
            raise StartupError(f"generation_config.json of {model!r} does not say where an answer ends. Copy it again.")
        to = _quantization(quantization, getattr(config, CONFIG_KEY, None), device)
        precision = _precision(dtype, device, to)
        budget = plan_memory(config, precision, to).token_budget(free, device)
        loaded = _with_weights(config, find_weights(source, model, config), precision, to, device, report)
    loaded.generation_config = generation
    return Loaded(loaded.eval(), processor, budget)


def read_config(source: Source, model: str, trust_remote_code: bool = False) -> Qwen2AudioConfig:
    """What the model is.

    Raises:
        StartupError: it is none that this engine runs.
    """
    kind = json.loads((source.folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    config = (
        AutoConfig.from_pretrained(source.folder, trust_remote_code=trust_remote_code)
        if kind == Qwen2AudioConfig.model_type
        else None
    )
    if not isinstance(config, Qwen2AudioConfig):
        raise StartupError(
            f"{model!r} is a model of type {kind!r}; the engine qwen2-audio runs Qwen2-Audio only. "
            "Set KIKITORI_MODEL to Qwen/Qwen2-Audio-7B-Instruct or a fine-tuned copy, or change KIKITORI_ENGINE."
        )
    if not any((source.folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise StartupError(f"There is no tokenizer in {model!r}. Copy the model again.")
    return config


def find_weights(source: Source, model: str, config: Qwen2AudioConfig) -> list[Stored]:
    """The tensors of the model, all of them and no others; no more than their headers is read.

    Raises:
        StartupError: the first that is missing, unknown, there twice or of another form.
        ValueError: a file is cut off or is no safetensors file.
    """
    shards = source.shards()
    if not shards:
        raise StartupError(f"There are no *.safetensors in {model!r}. Copy the model again.")
    stored = stored_tensors(shards)
    missing = _without_tensors(config, getattr(config, CONFIG_KEY, None)).state_dict()
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
    return stored


def _device() -> torch.device:
    """The GPU, if there is one that this torch can drive.

    Raises:
        StartupError: there is one and its driver is too old.
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    if any(Path("/dev").glob("nvidia[0-9]*")):
        try:
            torch.cuda.init()
        except RuntimeError as error:
            raise StartupError(
                f"There is a GPU, but torch {torch.__version__} (CUDA {torch.version.cuda}) cannot use it: {error}. "
                "Update the NVIDIA driver, or install a torch that is built for an older CUDA."
            ) from error
    return torch.device("cpu")


def _quantization(asked: QuantizationAsked, stored: Any, device: torch.device) -> Quantization | None:
    """What the language model's weights will be, by the setting and by what they already are.

    Raises:
        StartupError: the two contradict each other, or the GPU has no kernels for it.
    """
    if stored not in (None, "int8", "int4"):
        raise StartupError(
            f"The weights are stored as {stored!r}, which this version does not know: none, int8 or int4."
        )
    if stored and asked not in (None, stored):
        raise StartupError(
            f"KIKITORI_QUANTIZATION is {asked}, and the weights of this model are stored in {stored}. Unset it, or set "
            "KIKITORI_MODEL to the model that this one was made of."
        )
    if asked == "none":
        return None
    to = asked or stored
    if to and device.type == "cuda" and torch.cuda.get_device_capability(device) < (8, 0):
        raise StartupError(
            f"Weights in {to} need a GPU of compute capability 8.0 or newer, and {torch.cuda.get_device_name(device)} "
            "is older. Unset KIKITORI_QUANTIZATION, and load a model that is not quantized."
        )
    return to


def _precision(dtype: Dtype, device: torch.device, to: Quantization | None) -> torch.dtype:
    if to:
        if dtype not in ("auto", "bfloat16"):
            raise StartupError(f"Weights in {to} are multiplied in bfloat16, and KIKITORI_DTYPE is {dtype}. Unset it.")
        return torch.bfloat16
    if dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    precision: torch.dtype = getattr(torch, dtype)
    return precision


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return int(free)
    return int(psutil.virtual_memory().available)


def _with_weights(
    config: Qwen2AudioConfig,
    stored: Sequence[Stored],
    precision: torch.dtype,
    to: Quantization | None,
    device: torch.device,
    report: Report,
) -> Qwen2AudioForConditionalGeneration:
    """The model on the device, its tensors put in as they arrive, quantized first where the files' are not."""
    model = _without_tensors(config, to)
    convert_to = None if getattr(config, CONFIG_KEY, None) else to
    with device:
        # No file has the rotary frequencies: the model computes them.
        language_model = model.model.language_model
        language_model.rotary_emb = type(language_model.rotary_emb)(config.text_config)
    done, total = 0, sum(one.nbytes for one in stored)
    report(Phase.WEIGHTS, done, total)
    for name, tensor in stream(stored, device):
        for part, value in quantized(name, tensor, convert_to) if convert_to else [(name, tensor)]:
            _put(model, _current_name(part), value.to(precision) if value.is_floating_point() else value)
        done += tensor.nbytes
        report(Phase.WEIGHTS, done, total)
    pack(model)
    return model


def _without_tensors(config: Qwen2AudioConfig, to: Quantization | None) -> Qwen2AudioForConditionalGeneration:
    with torch.device("meta"):
        model = Qwen2AudioForConditionalGeneration(config)
    if to:
        quantize_modules(model, to)
    return model


def _put(model: nn.Module, name: str, tensor: Tensor) -> None:
    path, _, leaf = name.rpartition(".")
    module = model.get_submodule(path)
    is_parameter = isinstance(getattr(module, leaf), nn.Parameter)
    setattr(module, leaf, nn.Parameter(tensor, requires_grad=False) if is_parameter else tensor)


def _current_name(name: str) -> str:
    """What transformers 5 calls a parameter; the hub's files are named as transformers 4 did it."""
    for former, current in _RENAMED:
        if name.startswith(former):
            return current + name.removeprefix(former)
    return name


@contextmanager
def damage_told(model: str) -> Iterator[None]:
    """Turn what libraries raise on missing or damaged files into one clear word."""
    try:
        yield
    except (OSError, ValueError, KeyError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StartupError(
            f"The model in {model!r} cannot be read ({reason}). Files are missing or damaged: copy it again."
        ) from error
