"""From a name to a model that is ready to run, or a word that says why not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import torch
from safetensors import SafetensorError, safe_open
from transformers import (
    AutoConfig,
    AutoProcessor,
    GenerationConfig,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
)

from kikitori.engines.protocol import Phase, Report
from kikitori.engines.qwen2_audio.memory import MemoryPlan, plan_memory
from kikitori.engines.qwen2_audio.rows import Sampling
from kikitori.engines.qwen2_audio.source import fetch
from kikitori.errors import StartupError

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


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


def load(model: str, revision: str | None, dtype: Dtype, trust_remote_code: bool, report: Report) -> Loaded:
    """Fetch, check, and load onto the GPU where there is one.

    Args:
        model: hub id, folder, or gs:// address.
        revision: commit, branch or tag of the hub.
        dtype: of the weights; `auto` is bfloat16 on a GPU and float32 on a CPU.
        trust_remote_code: let Python code that comes with the model run.
        report: told of the phases and bytes.

    Raises:
        StartupError: the message says what to change.
    """
    device = _device()
    report(Phase.WEIGHTS)
    folder = fetch(model, revision, weights=False)
    with _damage_told(folder):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    if not isinstance(config, Qwen2AudioConfig):
        raise StartupError(
            f"{model!r} is a model of type {config.model_type!r}; the engine qwen2-audio runs Qwen2-Audio only. "
            "Set KIKITORI_MODEL to Qwen/Qwen2-Audio-7B-Instruct or a fine-tuned copy, or change KIKITORI_ENGINE."
        )
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise StartupError(f"There is no tokenizer in {str(folder)!r}. Copy the model again.")
    with _damage_told(folder):
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=trust_remote_code)
    precision = _precision(dtype, device)
    plan = plan_memory(config, precision)
    budget = plan.token_budget(_free_bytes(device), device.type)
    folder = fetch(model, revision, weights=True)
    with _damage_told(folder):
        state = _read_weights(folder, precision, device, plan, report)
        loaded = Qwen2AudioForConditionalGeneration.from_pretrained(
            None, config=config, state_dict=state, dtype=precision, attn_implementation="sdpa"
        )
        loaded.generation_config = GenerationConfig.from_pretrained(folder)
    report(Phase.DEVICE)
    return Loaded(loaded.to(device).eval(), processor, budget)


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


def _precision(dtype: Dtype, device: torch.device) -> torch.dtype:
    if dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    precision: torch.dtype = getattr(torch, dtype)
    return precision


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return int(free)
    return int(psutil.virtual_memory().available)


def _read_weights(
    folder: Path, dtype: torch.dtype, device: torch.device, plan: MemoryPlan, report: Report
) -> dict[str, Any]:
    """All tensors of all shards, on the device and in the precision that they will have."""
    shards = sorted(folder.glob("*.safetensors"))
    if not shards:
        raise StartupError(f"There are no *.safetensors in {str(folder)!r}. Copy the model again.")
    report(Phase.WEIGHTS, 0, plan.weight_bytes)
    done = 0
    state: dict[str, Any] = {}
    for shard in shards:
        with safe_open(shard, framework="pt", device=str(device)) as tensors:
            for name in tensors.keys():  # noqa: SIM118 - a file, not a dictionary
                state[name] = tensors.get_tensor(name).to(dtype)
                done += state[name].nbytes
                report(Phase.WEIGHTS, min(done, plan.weight_bytes), plan.weight_bytes)
    if done < plan.weight_bytes:
        raise StartupError(
            f"The files in {str(folder)!r} hold {done:,} bytes of weights of {plan.weight_bytes:,}: some are missing. "
            "Copy the model again."
        )
    return state


@contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    """Turn what libraries raise on missing or damaged files into one clear word."""
    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StartupError(
            f"The model in {str(folder)!r} cannot be read ({reason}). Files are missing or damaged: copy it again."
        ) from error
