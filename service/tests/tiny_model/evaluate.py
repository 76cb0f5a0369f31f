"""Ask a saved model about speech in voices, accents and speeds that it never heard, the way a service would."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr
import torch
from jiwer import wer
from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration

from service.tests.tiny_model import speech, tasks
from service.tests.tiny_model.speech import Samples, Utterance

RATE = 16_000

# What a model must reach on short held-out utterances before it is written.
MOST_WORD_ERRORS = 0.12
LEAST_COUNTED = 0.85
LEAST_VOICES = 0.97


class Listener:
    """A saved model and its processor, loaded from `folder` and nothing else."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        model = Qwen2AudioForConditionalGeneration.from_pretrained(folder, dtype=dtype, local_files_only=True)
        self.model = model.eval()

    def ask(self, questions: Sequence[tuple[Sequence[Samples], str]], batch: int = 8) -> list[str]:
        """Return the greedy answer to each question, which is the sounds (16 kHz) of one user turn and its text."""
        conversations: list[list[dict[str, object]]] = [
            [
                {
                    "role": "user",
                    "content": [*({"type": "audio", "audio": sound} for sound in sounds), _text(question)],
                }
            ]
            for sounds, question in questions
        ]
        answers: list[str] = []
        for start in range(0, len(conversations), batch):
            answers += self.continue_(conversations[start : start + batch])
        return answers

    def continue_(self, conversations: list[list[dict[str, object]]]) -> list[str]:
        """Return the greedy answer to each conversation in chat format; sounds are arrays at 16 kHz."""
        texts = self.processor.apply_chat_template(conversations, add_generation_prompt=True, tokenize=False)
        sounds = [
            part["audio"]
            for conversation in conversations
            for message in conversation
            if not isinstance(message["content"], str)
            for part in message["content"]  # type: ignore[attr-defined]
            if part["type"] == "audio"
        ]
        inputs = self.processor(text=texts, audio=sounds, sampling_rate=RATE, padding=True, return_tensors="pt")
        with torch.inference_mode():
            ids = self.model.generate(**inputs, do_sample=False, repetition_penalty=1.0, max_new_tokens=100)
        answers: list[str] = self.processor.batch_decode(
            ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return answers


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _noise(samples: Samples, decibels: float) -> Samples:
    noise = np.random.default_rng(5).standard_normal(len(samples)).astype(np.float32)
    loud = np.sqrt(np.mean(samples**2)) * 10 ** (-decibels / 20)
    noisy: Samples = (samples + noise * loud).astype(np.float32)
    return noisy


def _padded(samples: Samples, before: float, after: float) -> Samples:
    return np.pad(samples, (round(before * RATE), round(after * RATE)))


def _telephone(samples: Samples) -> Samples:
    narrow: Samples = soxr.resample(soxr.resample(samples, RATE, 8000), 8000, RATE).astype(np.float32)
    return narrow


CONDITIONS: dict[str, Callable[[Samples], Samples]] = {
    "clean": lambda samples: samples,
    "1.5 s of silence before, 2 s after": lambda samples: _padded(samples, 1.5, 2),
    "20 dB quieter": lambda samples: samples * np.float32(0.1),
    "6 dB louder": lambda samples: np.clip(samples * 2, -1, 1),
    "noise at 25 dB": lambda samples: _noise(samples, 25),
    "noise at 15 dB": lambda samples: _noise(samples, 15),
    "telephone, 8 kHz": _telephone,
}


@dataclass
class Report:
    """What was measured; shares lie between 0 and 1."""

    word_error_rate: dict[str, float] = field(default_factory=dict)
    """By condition and, for long recordings, by seconds."""
    right: dict[str, float] = field(default_factory=dict)
    """Share of exactly right answers by task."""
    examples: list[str] = field(default_factory=list)

    @property
    def misses(self) -> list[str]:
        """What is worse than a model that may be written."""
        wrong = self.word_error_rate["clean"]
        return [
            f"{name}: {value:.3f}"
            for name, value, good in (
                ("word error rate", wrong, wrong <= MOST_WORD_ERRORS),
                ("count", self.right["count"], self.right["count"] >= LEAST_COUNTED),
                ("voice", self.right["voice"], self.right["voice"] >= LEAST_VOICES),
            )
            if not good
        ]


def measure(listener: Listener, count: int, recordings: int, full: bool = True) -> Report:
    """Measure with `count` short utterances and `recordings` long ones of each length.

    Without `full` only what decides whether a model is good enough.
    """
    report = Report()
    clips = speech.held_out_utterances(count)
    for name in tasks.PROMPTS if full else tasks.DECISIVE:
        asked = clips if name in tasks.DECISIVE else clips[: count // 3]
        question = tasks.PROMPTS[name][0]
        answers = listener.ask([([clip.samples], question) for clip in asked])
        wanted = [tasks.answer(name, _truth(clip)) for clip in asked]
        report.right[name] = _share(answers, wanted)
        report.examples += [
            f"{question} -> {answer} (right: {good})" for answer, good in zip(answers[:2], wanted, strict=False)
        ]
        if name == "transcribe":
            report.word_error_rate["clean"] = wer([clip.text for clip in clips], answers)
    if not full:
        return report
    question = tasks.PROMPTS["transcribe"][0]
    some = clips[: count // 3]
    for name, change in list(CONDITIONS.items())[1:]:
        answers = listener.ask([([change(clip.samples)], question) for clip in some])
        report.word_error_rate[name] = wer([clip.text for clip in some], answers)
    pairs = list(zip(some[::2], some[1::2], strict=False))
    answers = listener.ask([([one.samples, two.samples], question) for one, two in pairs])
    report.word_error_rate["two sounds in one turn"] = wer([f"{a.text} {b.text}" for a, b in pairs], answers)
    answers = [listener.continue_([_later_turn(one, two)])[0] for one, two in pairs]
    report.word_error_rate["second sound in a second turn"] = wer([two.text for _, two in pairs], answers)
    quiet = [_hush(seed) for seed in range(20)]
    answers = listener.ask([([sound], question) for sound in quiet])
    report.right["transcribe silence or noise as nothing"] = _share(answers, [""] * len(quiet))
    for seconds in (5, 7, 10, 15, 20, 25, 30):
        long = [speech.held_out_recording(seconds, seed) for seed in range(recordings)]
        answers = listener.ask([([clip.samples], question) for clip in long], batch=4)
        name = f"{seconds} s recording, {np.mean([len(clip.words) for clip in long]):.0f} words"
        report.word_error_rate[name] = wer([clip.text for clip in long], answers)
    return report


def _truth(clip: Utterance) -> tasks.Truth:
    return tasks.Truth(clip.words, clip.speaker.register)


def _share(answers: Sequence[str], wanted: Sequence[str]) -> float:
    return sum(answer == good for answer, good in zip(answers, wanted, strict=True)) / len(wanted)


def _later_turn(one: Utterance, two: Utterance) -> list[dict[str, object]]:
    question = _text(tasks.PROMPTS["transcribe"][0])
    return [
        {"role": "user", "content": [{"type": "audio", "audio": one.samples}, question]},
        {"role": "assistant", "content": one.text},
        {"role": "user", "content": [{"type": "audio", "audio": two.samples}, question]},
    ]


def _hush(seed: int) -> Samples:
    rng = np.random.default_rng([seed, 73])
    noise = rng.standard_normal(round(rng.uniform(0.5, 5) * RATE)).astype(np.float32)
    return noise * np.float32((0, 1e-4, 1e-3, 1e-2)[seed % 4])


def show(report: Report) -> None:
    """Print a report."""
    for name, value in report.word_error_rate.items():
        print(f"  word error rate {100 * value:6.1f} %   {name}")
    for name, value in report.right.items():
        print(f"  right           {100 * value:6.1f} %   {name}")


def main() -> int:
    """Run the program; non-zero where the targets are missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--utterances", type=int, default=300)
    parser.add_argument("--recordings", type=int, default=20, help="long recordings of each length")
    parser.add_argument("--quick", action="store_true", help="only what decides whether the model is good enough")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    started = time.monotonic()
    listener = Listener(options.folder, getattr(torch, options.dtype))
    report = measure(listener, options.utterances, options.recordings, full=not options.quick)
    show(report)
    print("\n".join(report.examples))
    print(f"{time.monotonic() - started:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(vars(report), indent=2) + "\n")
    if report.misses:
        print("too bad: " + ", ".join(report.misses))
    return 1 if report.misses else 0


if __name__ == "__main__":
    sys.exit(main())
