"""From a name to a model that is ready to run, or a word that says why not.

To import transformers' model code takes seconds. What can be settled without it is settled before, so that meanwhile
the weights are already on their way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil
import torch
from torch import Tensor

from kikitori.engines.protocol import Phase, Report
from kikitori.engines.qwen2_audio.memory import might_fit, plan_memory
from kikitori.engines.qwen2_audio.packing import packed
from kikitori.engines.qwen2_audio.quantization import CONFIG_KEY, Quantization, quantized
from kikitori.engines.qwen2_audio.source import Source, opened
from kikitori.engines.qwen2_audio.weights import Stored, ahead, stored_tensors, stream
from kikitori.errors import StartupError

if TYPE_CHECKING:
    from kikitori.engines.qwen2_audio.assembly import Loaded

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
QuantizationAsked = Literal["none", "int8", "int4"] | None
Parts = dict[str, Tensor]
"""What becomes of one stored tensor, by name."""


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
    with opened(model, revision) as source, damage_told(model), ExitStack() as reading:
        stored_in = read_description(source, model).get(CONFIG_KEY)
        to = _quantization(quantization, stored_in, device)
        precision = _precision(dtype, device, to)

        convert_to = None if stored_in else to
        weights = find_weights(source, model) if source.at_hand else []
        parts: Iterator[Parts] | None = None
        if weights and might_fit(weights, precision, free, device):
            parts = reading.enter_context(ahead(_parts(weights, device, precision, convert_to)))

        from transformers import AutoProcessor, GenerationConfig, Qwen2AudioConfig

        from kikitori.engines.qwen2_audio.assembly import Loaded, assemble, check_weights

        config = Qwen2AudioConfig.from_pretrained(source.folder)
        processor = AutoProcessor.from_pretrained(source.folder, trust_remote_code=trust_remote_code)
        generation = GenerationConfig.from_pretrained(source.folder)
        if generation.eos_token_id is None:
            raise StartupError(f"generation_config.json of {model!r} does not say where an answer ends. Copy it again.")
        budget = plan_memory(config, precision, to).token_budget(free, device)
        weights = weights or find_weights(source, model)
        check_weights(weights, config)
        parts = parts or _parts(weights, device, precision, convert_to)
        assembled = assemble(config, to, device, _reported(weights, parts, report))
    assembled.generation_config = generation
    return Loaded(assembled, processor, budget)


def read_description(source: Source, model: str) -> dict[str, Any]:
    """What config.json says.

    Raises:
        StartupError: it is no model that this engine runs.
    """
    description: dict[str, Any] = json.loads((source.folder / "config.json").read_text(encoding="utf-8"))
    kind = description.get("model_type")
    if kind != "qwen2_audio":
        raise StartupError(
            f"{model!r} is a model of type {kind!r}; the engine qwen2-audio runs Qwen2-Audio only. "
            "Set KIKITORI_MODEL to Qwen/Qwen2-Audio-7B-Instruct or a fine-tuned copy, or change KIKITORI_ENGINE."
        )
    if not any((source.folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise StartupError(f"There is no tokenizer in {model!r}. Copy the model again.")
    return description


def find_weights(source: Source, model: str) -> list[Stored]:
    """The tensors that are stored; no more than their headers is read.

    Raises:
        StartupError: there are none.
        ValueError: a file is cut off or is no safetensors file.
    """
    shards = source.shards()
    if not shards:
        raise StartupError(f"There are no *.safetensors in {model!r}. Copy the model again.")
    return stored_tensors(shards)


def _parts(
    weights: Sequence[Stored], device: torch.device, precision: torch.dtype, convert_to: Quantization | None
) -> Iterator[Parts]:
    """What becomes of each stored tensor on the device."""
    for name, tensor in stream(weights, device):
        parts = dict(quantized(name, tensor, convert_to)) if convert_to else {name: tensor}
        for part, value in parts.items():
            parts[part] = packed(part, value.to(precision) if value.is_floating_point() else value)
        yield parts


def _reported(weights: Sequence[Stored], arriving: Iterator[Parts], report: Report) -> Iterator[tuple[str, Tensor]]:
    """The parts one by one, with a report of the bytes of those that have been taken."""
    done, total = 0, sum(one.nbytes for one in weights)
    report(Phase.WEIGHTS, done, total)
    for one, parts in zip(weights, arriving, strict=True):
        yield from parts.items()
        done += one.nbytes
        report(Phase.WEIGHTS, done, total)


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
