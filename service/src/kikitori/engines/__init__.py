"""The models that can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kikitori.engines.protocol import Engine
from kikitori.engines.qwen2_audio.engine import Qwen2AudioEngine
from kikitori.engines.whisper import WhisperEngine

if TYPE_CHECKING:
    from kikitori.settings import Settings


def build_engine(settings: Settings) -> Engine[Any]:
    """The engine that the settings ask for, not loaded yet.

    Raises:
        StartupError: there is no such model.
    """
    if settings.engine == "qwen2-audio":
        model = settings.model or "Qwen/Qwen2-Audio-7B-Instruct"
        return Qwen2AudioEngine(
            model,
            settings.model_revision,
            settings.dtype,
            settings.trust_remote_code,
            settings.quantization,
            settings.concurrency,
            settings.cache_tokens,
        )
    return WhisperEngine(settings.model, quantized=settings.quantization != "none")
