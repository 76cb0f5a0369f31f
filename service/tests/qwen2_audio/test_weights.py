"""Reading safetensors files in ranges: whole, in order, within bounds of memory, and never garbage."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

import pytest
import torch
from kikitori.engines.qwen2_audio import weights
from kikitori.engines.qwen2_audio.source import opened
from kikitori.engines.qwen2_audio.weights import ahead, stored_tensors, stream
from safetensors.torch import load_file, save_file
from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration

CPU = torch.device("cpu")


def shards_in(folder: Path) -> Any:
    with opened(str(folder), None) as source:
        return source.shards()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files with tensors of all kinds, some of odd lengths, one empty, one a single number."""
    torch.manual_seed(0)
    save_file(
        {
            "bias": torch.randn(7).bfloat16(),
            "bytes": torch.randint(0, 255, (13,), dtype=torch.uint8),
            "matrix": torch.randn(300, 41),
            "nothing": torch.zeros(0, 4),
            "number": torch.tensor(3.5, dtype=torch.float16),
        },
        tmp_path / "model-1.safetensors",
        {"format": "pt"},
    )
    save_file({"last": torch.randn(5, 6, 7).double()}, tmp_path / "model-2.safetensors")
    return tmp_path


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize("chunk", [100, 1_000, 49_200, 1 << 20])
def test_tensors_arrive_whole_and_in_order(
    folder: Path, chunk: int, staged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "_CHUNK_BYTES", chunk)
    if staged:
        buffers: SimpleQueue[torch.Tensor] = SimpleQueue()
        for _ in range(2):
            buffers.put(torch.empty(chunk, dtype=torch.uint8))
        monkeypatch.setattr(weights, "_staging", lambda _: buffers)
    expected: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        expected |= load_file(file)
    stored = stored_tensors(shards_in(folder))
    arrived = list(stream(stored, CPU))
    assert [name for name, _ in arrived] == [one.name for one in stored]
    assert {one.name for one in stored} == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in arrived)
    assert all(tensor.dtype == expected[name].dtype for name, tensor in arrived)


def test_a_part_of_what_is_stored(folder: Path) -> None:
    stored = [one for one in stored_tensors(shards_in(folder)) if one.name in ("bias", "matrix", "last")]
    assert [name for name, _ in stream(stored, CPU)] == [one.name for one in stored]


def test_a_file_that_becomes_shorter(folder: Path) -> None:
    stored = stored_tensors(shards_in(folder))
    with (folder / "model-1.safetensors").open("r+b") as file:
        file.truncate(20_000)
    with pytest.raises(OSError, match="shorter"):
        list(stream(stored, CPU))


def test_items_are_made_before_they_are_asked_for() -> None:
    made = Event()

    def items() -> Iterator[int]:
        yield 1
        yield 2
        made.set()
        raise OSError("the third is lost")

    with ahead(items()) as arriving:
        assert made.wait(30)
        assert [next(arriving), next(arriving)] == [1, 2]
        with pytest.raises(OSError, match="third"):
            next(arriving)


def test_items_that_nobody_wants_are_not_made() -> None:
    def items() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            ended.set()

    ended = Event()
    with ahead(items()) as arriving:
        next(arriving)
    assert ended.wait(30)


def written(folder: Path, header: object, data: bytes) -> Path:
    for file in folder.glob("*.safetensors"):
        file.unlink()
    body = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(body).to_bytes(8, "little") + body + data)
    return folder


def entry(dtype: object = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def test_a_header_written_by_hand(folder: Path) -> None:
    header = {"b": entry(offsets=(8, 16)), "a": entry(), "__metadata__": {"format": "pt"}}
    stored = stored_tensors(shards_in(written(folder, header, bytes(16))))
    assert [(one.name, one.shape) for one in stored] == [("a", (2,)), ("b", (2,))]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"\xff\xff",
        b"[" * 100_000,
        b"[1]",
        b"null",
        {"a": None},
        {"a": 1},
        {"a": {}},
        {"a": entry(dtype="F3")},
        {"a": entry(dtype=[])},
        {"a": entry(shape=None)},
        {"a": entry(shape=(2.0,))},
        {"a": entry(shape=(-2,), offsets=(0, -8))},
        {"a": entry(shape=(-2, -1))},
        {"a": entry(shape=(1 << 62, 1 << 62))},
        {"a": entry(shape=(3,))},
        {"a": entry(offsets=None)},
        {"a": entry(offsets=(0,))},
        {"a": entry(offsets=("0", "8"))},
        {"a": entry(offsets=(8, 16))},
        {"a": entry(), "b": entry()},
        {"a": entry(), "b": entry(offsets=(4, 12))},
        {"a": entry(), "b": entry(offsets=(12, 20))},
        {"a": entry(), "b": entry(offsets=None)},
        {"a": entry(shape=(4,), offsets=(0, 16))},
        {},
    ],
)
def test_a_header_that_is_damaged(folder: Path, header: object) -> None:
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        stored_tensors(shards_in(written(folder, header, bytes(8))))


@pytest.mark.parametrize("size", [0, 7, 8, 9, 100, 40_000])
def test_a_file_that_is_cut_off(folder: Path, size: int) -> None:
    with (folder / "model-1.safetensors").open("r+b") as file:
        file.truncate(size)
    with pytest.raises(ValueError, match=r"model-1\.safetensors"):
        stored_tensors(shards_in(folder))


def test_a_file_that_goes_on(folder: Path) -> None:
    with (folder / "model-1.safetensors").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match="bytes where"):
        stored_tensors(shards_in(folder))


def test_a_header_of_noise(folder: Path) -> None:
    """Whatever a changed byte makes of it, it is a list of tensors within the file, or a ValueError."""
    good = (folder / "model-1.safetensors").read_bytes()
    length = int.from_bytes(good[:8], "little")
    chance = random.Random(0)
    refused = 0
    for _ in range(500):
        data = bytearray(good)
        for _ in range(chance.choice([1, 2, 8])):
            data[chance.randrange(8 + length)] = chance.randrange(256)
        (folder / "model-1.safetensors").write_bytes(data)
        try:
            stored = stored_tensors(shards_in(folder))
        except ValueError:
            refused += 1
        else:
            assert all(one.start + one.nbytes <= one.shard.size for one in stored)
    assert refused > 250


PEAK = """
import sys, torch
from kikitori.engines.qwen2_audio.loading import load

def high_water():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024

load(sys.argv[1], None, "bfloat16", False, lambda *report: None)
before = high_water()
loaded = load(sys.argv[2], None, "bfloat16", False, lambda *report: None)
print(sum(parameter.nbytes for parameter in loaded.model.parameters()), high_water() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_weights_are_in_memory_once(tiny: Path, tmp_path: Path) -> None:
    config = Qwen2AudioConfig.from_pretrained(tiny)
    config.text_config.intermediate_size = 60_000
    config.save_pretrained(tmp_path)
    for file in tiny.iterdir():
        if file.name != "config.json" and file.suffix != ".safetensors":
            (tmp_path / file.name).symlink_to(file)
    with torch.device("meta"):
        parameters = list(Qwen2AudioForConditionalGeneration(config).named_parameters())
    for number in range(3):
        shard = {name: torch.zeros(meta.shape, dtype=torch.bfloat16) for name, meta in parameters[number::3]}
        save_file(shard, tmp_path / f"model-{number}.safetensors", {"format": "pt"})
    output = subprocess.run(
        [sys.executable, "-c", PEAK, str(tiny), str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout
    weight_bytes, growth = map(int, output.split())
    assert weight_bytes > 200_000_000
    assert growth < 1.15 * weight_bytes
