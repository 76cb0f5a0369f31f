"""What transformers' `generate` says to questions of all shapes, to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from kikitori.engines.qwen2_audio.assembly import Loaded
from kikitori.engines.qwen2_audio.loading import Dtype, load
from kikitori.engines.qwen2_audio.rows import Sampling

from service.tests.tiny_model.speech import held_out_recording, held_out_utterances
from service.tests.tiny_model.tasks import QUESTIONS

LIMIT = 40


def loaded_as(tiny: Path, dtype: Dtype) -> Loaded:
    return load(str(tiny), None, dtype, False, lambda *_: None)


def questions() -> list[list[dict[str, Any]]]:
    """Conversations of all shapes: short and long sound, two sounds, silence, text alone, history."""
    clips = [utterance.samples for utterance in held_out_utterances(18)]
    asked = [turn(QUESTIONS[number % 3], clip) for number, clip in enumerate(clips)]
    asked.append(turn(QUESTIONS[0], clips[0], clips[1]))
    asked.append(turn(QUESTIONS[0], held_out_recording(8).samples))
    asked.append(turn(QUESTIONS[0], np.zeros(16_000, np.float32)))
    asked.append(turn("three one four"))
    said = {"role": "assistant", "content": [{"type": "text", "text": "two"}]}
    asked.append([*turn(QUESTIONS[1], clips[2]), said, *turn(QUESTIONS[2])])
    return asked


def turn(text: str, *clips: Any) -> list[dict[str, Any]]:
    sounds: list[dict[str, Any]] = [{"type": "audio", "audio": clip} for clip in clips]
    return [{"role": "user", "content": [*sounds, {"type": "text", "text": text}]}]


def prepared(loaded: Loaded, conversation: list[dict[str, Any]]) -> dict[str, Any]:
    inputs = dict(
        loaded.processor.apply_chat_template(
            conversation, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
    )
    if "input_features" in inputs:
        inputs["input_features"] = inputs["input_features"].to(loaded.model.dtype)
    return inputs


def generated(loaded: Loaded, inputs: dict[str, Any], sampling: Sampling) -> tuple[list[int], list[float]]:
    """What `generate` answers, and by how much its best token led at each step."""
    with torch.inference_mode():
        output = loaded.model.generate(
            **inputs,
            do_sample=False,
            repetition_penalty=sampling.repetition_penalty,
            max_new_tokens=LIMIT,
            return_dict_in_generate=True,
            output_logits=True,
        )
    tokens = output.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    ends = set(loaded.model.generation_config.eos_token_id)
    best = [torch.topk(step[0].float(), 2).values.tolist() for step in output.logits]
    return [token for token in tokens if token not in ends], [first - second for first, second in best]
