"""What one answer does to itself and to the others, at the engine's own interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from kikitori.audio.clip import Clip, Window
from kikitori.engines.protocol import Message, Note, Request, Task
from kikitori.engines.qwen2_audio.engine import Qwen2AudioEngine
from kikitori.errors import Code, ServiceError

from service.tests.tiny_model.speech import Utterance, held_out_utterances

CLIPS = sorted(held_out_utterances(12, seed=3), key=lambda clip: -len(clip.words))[:4]
Hook = Callable[[torch.Tensor], torch.Tensor]


@dataclass
class Outcome:
    text: str = ""
    finish: str | None = None
    notes: tuple[Note, ...] = ()
    error: ServiceError | None = None
    pieces: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def engine(tiny: Path) -> Iterator[Qwen2AudioEngine]:
    engine = Qwen2AudioEngine(str(tiny))
    engine.load(lambda *_: None)
    yield engine
    engine.close()


@pytest.fixture
def logits(engine: Qwen2AudioEngine) -> Iterator[Callable[[Hook], None]]:
    """Lets a test change what the model says: its logits, (rows, vocabulary)."""
    handles: list[Any] = []

    def change(by: Hook) -> None:
        head = engine._ready._model.lm_head
        handles.append(head.register_forward_hook(lambda _module, _inputs, said: by(said)))

    yield change
    for handle in handles:
        handle.remove()


def transcribe(utterance: Utterance, **options: Any) -> Request:
    samples = utterance.samples
    clip = Clip(samples, (Window(0, len(samples)),))
    return Request(Task.TRANSCRIBE, (Message("user", (clip,)),), **options)


def chat(text: str, **options: Any) -> Request:
    return Request(Task.CHAT, (Message("user", (text,)),), **options)


def answered(engine: Qwen2AudioEngine, *requests: Request) -> list[Outcome]:
    """Run them together, as the scheduler does, to their ends."""
    outcomes = [Outcome() for _ in requests]
    running = {engine.start(request): outcome for request, outcome in zip(requests, outcomes, strict=True)}
    wait([run.inputs for run in running if run.inputs])  # so that they run together, however slow the machine is
    while running:
        for run, advance in zip(list(running), engine.step(list(running)), strict=True):
            outcome = running[run]
            outcome.pieces += [piece.text for piece in advance.pieces]
            outcome.text = "".join(outcome.pieces)
            outcome.notes, outcome.finish, outcome.error = advance.notes, advance.finish, advance.error
            if advance.error:
                engine.cancel(run)
            if advance.error or advance.finish:
                del running[run]
    assert engine._ready.rows == 0
    return outcomes


def test_a_request_that_cannot_be_read_fails_alone(engine: Qwen2AudioEngine) -> None:
    alone = [answered(engine, transcribe(clip))[0].text for clip in CLIPS]
    *others, bad = answered(engine, *(transcribe(clip) for clip in CLIPS), chat("no text: \ud800"))
    assert [other.text for other in others] == alone
    assert bad.error
    assert bad.error.code is Code.INTERNAL_ERROR


def test_numbers_that_go_wrong_fail_alone(engine: Qwen2AudioEngine, logits: Callable[[Hook], None]) -> None:
    longest, short = CLIPS[0], CLIPS[-1]
    expected = answered(engine, transcribe(longest))[0].text

    def spoil_all_but_the_first(said: torch.Tensor) -> torch.Tensor:
        return torch.cat([said[:1], said[1:] * torch.nan])

    logits(spoil_all_but_the_first)
    first, second = answered(engine, transcribe(longest), transcribe(short))
    assert first.text == expected
    assert second.error
    assert second.error.code is Code.INTERNAL_ERROR


def test_a_loop_is_stopped_and_told(engine: Qwen2AudioEngine, logits: Callable[[Hook], None]) -> None:
    def insist(said: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(torch.full((len(said),), 70), said.shape[-1]).float()

    logits(insist)
    [outcome] = answered(engine, transcribe(CLIPS[0]))
    assert outcome.notes == (Note.REPETITION,)
    assert outcome.finish == "stop"


def test_a_transcript_that_is_cut_says_so(engine: Qwen2AudioEngine) -> None:
    [outcome] = answered(engine, transcribe(CLIPS[0], max_tokens=1))
    assert outcome.notes == (Note.CUT,)
    assert outcome.finish == "length"


def test_a_seed_repeats_a_sampled_answer(engine: Qwen2AudioEngine) -> None:
    def sampled(seed: int | None) -> str:
        return answered(engine, transcribe(CLIPS[0], temperature=8.0, top_p=1.0, seed=seed, max_tokens=12))[0].text

    assert sampled(1) == sampled(1)
    assert len({sampled(seed) for seed in (1, 2, 3, None, None)}) > 2
    # Of a share this small only the likeliest token is left.
    narrow = answered(engine, transcribe(CLIPS[0], temperature=1.0, top_p=1e-6, seed=1))[0]
    assert narrow.text == answered(engine, transcribe(CLIPS[0]))[0].text
