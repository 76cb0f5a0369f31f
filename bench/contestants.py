"""Who is compared: the engine and transformers' `generate`, each in a process of its own."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from kikitori.audio.clip import SAMPLE_RATE, Clip
from kikitori.engines import build_engine
from kikitori.engines.protocol import Message, Phase, Request, Task
from kikitori.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Samples = npt.NDArray[np.float32]

QUESTION = "Describe the sounds."

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")


class Contestant(Generic[T]):
    """An object in a fresh process of its own, made when it is first asked something."""

    def __init__(self, make: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> None:
        self._process = ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_make, initargs=(make, arguments, options)
        )

    def ask(self, method: Callable[Concatenate[T, P], R], *arguments: P.args, **options: P.kwargs) -> R:
        """Call a method there."""
        return self._process.submit(_call, method, arguments, options).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()


def _make(make: Callable[..., object], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    global _contestant
    _contestant = make(*arguments, **options)


def _call(method: Callable[..., R], arguments: tuple[Any, ...], options: dict[str, Any]) -> R:
    return method(_contestant, *arguments, **options)


_contestant: object = None


@dataclass(frozen=True, slots=True)
class Start:
    """The milestones of a start on the clock of `time.monotonic`, in seconds, and the most memory it took, in bytes."""

    imported: float
    ready: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said, and when each token came, in seconds from the moment of asking; one per stream."""

    texts: list[str]
    arrivals: list[list[float]]

    @property
    def tokens_per_s(self) -> float:
        """Tokens a second of all streams together while all are being written: no prompt is read in that time."""
        began, ended = max(stream[0] for stream in self.arrivals), min(stream[-1] for stream in self.arrivals)
        return sum(began < at <= ended for stream in self.arrivals for at in stream) / (ended - began)

    @property
    def overall_tokens_per_s(self) -> float:
        """All tokens over all the time, the reading of the prompts included."""
        return sum(map(len, self.arrivals)) / max(stream[-1] for stream in self.arrivals)


class Kikitori:
    """The engine, as the service would build it; asked directly, without the service."""

    def __init__(self, folder: Path) -> None:
        self._engine = build_engine(Settings(engine="qwen2-audio", model=str(folder), dtype="bfloat16"))
        began: dict[Phase, float] = {}

        def report(phase: Phase, done: int | None = None, total: int | None = None) -> None:
            began.setdefault(phase, monotonic())

        self._engine.load(report)
        self._start = Start(began[Phase.WEIGHTS], monotonic(), _peak_bytes())

    def start(self) -> Start:
        """How it came up."""
        return self._start

    def answer(self, sounds: Sequence[Samples], tokens: int) -> Answers:
        """Answer a question about each of the sounds, all at once."""
        began = monotonic()
        runs = {number: self._engine.start(_request(sound, tokens)) for number, sound in enumerate(sounds)}
        # Else the first answer might end before the last one begins, where a step is shorter than a spectrogram.
        wait(run.inputs for run in runs.values())
        answers = Answers([""] * len(runs), [[] for _ in runs])
        while runs:
            advances = self._engine.step(list(runs.values()))
            now = monotonic() - began
            for number, advance in zip(list(runs), advances, strict=True):
                for piece in advance.pieces:
                    answers.texts[number] += piece.text
                    answers.arrivals[number] += [now] * piece.tokens
                if advance.finish:
                    del runs[number]
        return answers

    def first_token(self, sound: Samples, others: Sequence[Samples]) -> float:
        """Seconds to the first token of an answer that is asked for while others are being written.

        It comes at the worst moment, when a step of the others has just begun.
        """
        running = [self._engine.start(_request(other, _ENDLESS)) for other in others]
        reading = list(running)
        while reading:
            advances = self._engine.step(running)
            reading = [
                run for run, advance in zip(running, advances, strict=True) if run in reading and not advance.pieces
            ]
        began = monotonic()
        if running:
            self._engine.step(running)
        running.append(self._engine.start(_request(sound, _ENDLESS)))
        while not self._engine.step(running)[-1].pieces:
            pass
        taken = monotonic() - began
        for run in running:
            self._engine.cancel(run)
        return taken


class Transformers:
    """`from_pretrained` and `generate`, as their documentation shows them."""

    def __init__(self, folder: Path, device: str) -> None:
        import torch
        from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration

        imported = monotonic()
        self._processor = AutoProcessor.from_pretrained(folder, padding_side="left")
        self._model = Qwen2AudioForConditionalGeneration.from_pretrained(
            folder,
            dtype=torch.bfloat16,
            attn_implementation="sdpa",
            device_map=None if device == "cpu" else device,  # on a CPU the same, and without accelerate
        )
        self._start = Start(imported, monotonic(), _peak_bytes())

    def start(self) -> Start:
        """How it came up."""
        return self._start

    def answer(self, sounds: Sequence[Samples], tokens: int) -> Answers:
        """Answer a question about each of the sounds, as one batch with padding on the left."""
        import torch

        arrivals = _Arrivals()
        inputs = self._processor.apply_chat_template(
            [_conversation(sound) for sound in sounds],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            processor_kwargs={"padding": True},
            return_tensors="pt",
        ).to(self._model.device, torch.bfloat16)
        with torch.inference_mode():
            ids = self._model.generate(
                **inputs,
                max_new_tokens=tokens,
                do_sample=False,
                repetition_penalty=1.0,
                use_cache=True,
                streamer=arrivals,
            )
        texts = self._processor.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return Answers(texts, [arrivals.seconds[1:]] * len(texts))


class _Arrivals:
    """What `generate` tells of each token, after the prompt; it is not kept from going on."""

    def __init__(self) -> None:
        self._began = monotonic()
        self.seconds: list[float] = []

    def put(self, _: torch.Tensor) -> None:
        """A token has come; it is in the host's memory, as the engine's are."""
        self.seconds.append(monotonic() - self._began)

    def end(self) -> None:
        """There will be no more."""


_ENDLESS = 4096


def _request(sound: Samples, tokens: int) -> Request:
    return Request(Task.CHAT, (Message("user", (Clip(sound, ()), QUESTION)),), max_tokens=tokens)


def _conversation(sound: Samples) -> list[dict[str, Any]]:
    content = [{"type": "audio", "audio": sound}, {"type": "text", "text": QUESTION}]
    return [{"role": "user", "content": content}]


def noise(seconds: float) -> Samples:
    """A sound of that length; what is heard does not matter to the time it takes."""
    import numpy as np

    length = round(seconds * SAMPLE_RATE)
    return np.random.default_rng(length).normal(0, 0.05, length).astype(np.float32)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
