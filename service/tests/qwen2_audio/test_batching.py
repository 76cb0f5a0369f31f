"""Whatever comes and goes, each row says what it would say alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from kikitori.engines.qwen2_audio.assembly import Loaded
from kikitori.engines.qwen2_audio.cache import RowCache
from kikitori.engines.qwen2_audio.decoding import Decoder
from kikitori.engines.qwen2_audio.rows import Batch, Row, Sampling, goes_round
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from transformers import AutoConfig, Qwen2AudioForConditionalGeneration

from service.tests.qwen2_audio.reference import LIMIT, generated, loaded_as, prepared, questions

TOKENS = 3_000
"""Room for a few rows only, so that long ones push the others together and apart."""


@dataclass
class Asked:
    loaded: Loaded
    inputs: list[dict[str, Any]]
    expected: list[list[int]]


@pytest.fixture(scope="module")
def asked(tiny: Path) -> Asked:
    loaded = loaded_as(tiny, "float32")
    inputs = [prepared(loaded, question) for question in questions()[-9:]]
    return Asked(loaded, inputs, [generated(loaded, one, Sampling())[0] for one in inputs])


class Traffic(RuleBasedStateMachine):
    """Prompts of all lengths arrive, are read piece by piece, answered, and given up."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked
        self.batch = Batch(asked.loaded.model, asked.loaded.processor, TOKENS)
        self.running: dict[Row, list[int]] = {}

    @rule(number=st.integers(0, 8), limit=st.one_of(st.integers(1, LIMIT), st.just(700)))
    def arrive(self, number: int, limit: int) -> None:
        inputs, expected = self.asked.inputs[number], self.asked.expected[number]
        limit = min(limit, LIMIT) if len(expected) == LIMIT else limit
        if self.batch.fits(inputs["input_ids"].shape[1] + limit):
            self.running[self.batch.join(inputs, Sampling(), limit)] = expected[:limit]

    @precondition(lambda self: any(row.reading for row in self.running))
    @rule()
    def read(self) -> None:
        self.batch.read(next(row for row in self.running if row.reading))
        self.part()

    @precondition(lambda self: self.running)
    @rule()
    def step(self) -> None:
        self.batch.step()
        self.part()

    @precondition(lambda self: self.running)
    @rule(chance=st.integers(0, 100))
    def cancel(self, chance: int) -> None:
        row = list(self.running)[chance % len(self.running)]
        self.batch.leave(row)
        del self.running[row]

    def part(self) -> None:
        for row, expected in list(self.running.items()):
            assert row.tokens == expected[: len(row.tokens)]
            if row.finish:
                assert row.tokens == expected
                self.batch.leave(row)
                del self.running[row]

    def teardown(self) -> None:
        while self.running:
            if any(row.reading for row in self.running):
                self.read()
            else:
                self.step()


def test_random_traffic(asked: Asked) -> None:
    machine: Any = partial(Traffic, asked)
    run_state_machine_as_test(machine, settings=settings(max_examples=12, stateful_step_count=40, deadline=None))


def test_nothing_of_a_row_that_left_remains(asked: Asked) -> None:
    """A row that went wrong leaves NaN behind, and NaN survives a mask."""
    batch = Batch(asked.loaded.model, asked.loaded.processor, TOKENS)
    batch._cache._store.fill_(torch.nan)
    row = batch.join(asked.inputs[0], Sampling(), LIMIT)
    while not row.finish:
        batch.read(row) if row.reading else batch.step()
    assert row.tokens == asked.expected[0]


@pytest.mark.parametrize(
    ("tokens", "loop"),
    [
        ([5] * 31, False),
        ([5] * 32, True),
        ([1, 2, 3] * 9, False),
        ([9, 9, *[1, 2, 3] * 11], True),
        ([1, 2, 3] * 11 + [4], False),
        (list(range(16)) * 8, True),
        (list(range(17)) * 20, False),
        ([], False),
    ],
)
def test_loops_are_told_from_repetition(tokens: list[int], loop: bool) -> None:
    assert goes_round(tokens) is loop


def test_a_step_on_a_gpu_never_waits_for_it(tiny: Path) -> None:
    """What a CUDA graph demands, tried without a GPU: fake tensors refuse mixed devices and any look at a value."""
    config = AutoConfig.from_pretrained(tiny)
    cuda = torch.device("cuda")
    with torch.device("meta"):
        model = Qwen2AudioForConditionalGeneration(config).bfloat16().eval()
    with FakeTensorMode() as fake, torch.inference_mode():
        for module in model.modules():
            for tensors in (module._parameters, module._buffers):
                tensors.update(
                    {name: FakeTensor(fake, tensor, cuda) for name, tensor in tensors.items() if tensor is not None}
                )
        cache = RowCache(layers=3, heads=4, width=48, tokens=4096, dtype=torch.bfloat16, device=cuda)
        cache.join(300)
        cache.join(400)
        inputs = torch.zeros((2, 2), dtype=torch.int64, device=cuda)
        decoded = Decoder(model, cache)._step(inputs, longest=256)
        assert decoded.best.device.type == "cuda"
        assert decoded.logits.shape == (2, config.text_config.vocab_size)
