"""What is known before loading, and every way in which a model cannot be loaded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from kikitori.engines.protocol import Phase
from kikitori.engines.qwen2_audio.engine import Qwen2AudioEngine
from kikitori.engines.qwen2_audio.loading import Dtype, load
from kikitori.engines.qwen2_audio.memory import plan_memory
from kikitori.engines.qwen2_audio.quantization import Quantization
from kikitori.errors import StartupError
from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration

from service.tests.qwen2_audio.servers import Storage
from service.tests.qwen2_audio.tensors import tensors
from tests.local_hub import Hub, local_hub
from tests.processes import answering, running_service

GB = 10**9
GIB = 1 << 30


def no_report(phase: Phase, done: int | None = None, total: int | None = None) -> None:
    pass


@pytest.fixture(scope="module")
def seven_billion() -> Qwen2AudioConfig:
    """The shape of Qwen/Qwen2-Audio-7B-Instruct."""
    return Qwen2AudioConfig(
        audio_config={
            "model_type": "qwen2_audio_encoder",
            "d_model": 1280,
            "encoder_layers": 32,
            "encoder_attention_heads": 20,
            "encoder_ffn_dim": 5120,
            "num_mel_bins": 128,
            "max_source_positions": 1500,
        },
        text_config={
            "model_type": "qwen2",
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "vocab_size": 156032,
            "max_position_embeddings": 8192,
        },
    )


def test_the_plan_of_the_real_shape(seven_billion: Qwen2AudioConfig) -> None:
    plan = plan_memory(seven_billion, torch.bfloat16)
    assert plan.parameters / GB == pytest.approx(8.397, abs=0.001)
    assert plan.weight_bytes / GB == pytest.approx(16.794, abs=0.001)
    assert plan.values_per_token * 2 == 524_288
    budget = plan.token_budget(int(22.2 * GIB), torch.device("cuda"))  # what is free on an L4
    assert 6_000 < budget < 10_000


@pytest.mark.parametrize(("to", "most"), [("int8", 0.55), ("int4", 0.32)])
def test_the_plan_of_the_real_shape_in_fewer_bits(
    seven_billion: Qwen2AudioConfig, to: Quantization, most: float, record_property: Callable[[str, object], None]
) -> None:
    whole = plan_memory(seven_billion, torch.bfloat16)
    plan = plan_memory(seven_billion, torch.bfloat16, to)
    ratio = plan.weight_bytes / whole.weight_bytes
    record_property("bytes", plan.weight_bytes)
    record_property("ratio", round(ratio, 4))
    assert ratio <= most
    assert (plan.parameters, plan.values_per_token) == (whole.parameters, whole.values_per_token)
    assert plan.token_budget(int(14.6 * GIB), torch.device("cuda")) > 1_500


def test_what_does_not_fit_is_refused(seven_billion: Qwen2AudioConfig) -> None:
    with pytest.raises(StartupError, match=r"8\.40 billion parameters in float32 need 3\d\.\d GiB.*bfloat16"):
        plan_memory(seven_billion, torch.float32).token_budget(int(22.2 * GIB), torch.device("cuda"))
    with pytest.raises(StartupError, match=r"in bfloat16 need 18\.\d GiB.*14\.6 GiB are free on the GPU.*TION=int4"):
        plan_memory(seven_billion, torch.bfloat16).token_budget(int(14.6 * GIB), torch.device("cuda"))
    with pytest.raises(StartupError, match=r"in int4 need 7\.\d GiB.*GPU\. Use a larger one"):
        plan_memory(seven_billion, torch.bfloat16, "int4").token_budget(6 * GIB, torch.device("cuda"))


def test_progress_by_phases_with_bytes(tiny: Path) -> None:
    reports: list[tuple[Any, ...]] = []
    loaded = load(str(tiny), None, "bfloat16", False, lambda *report: reports.append(report))
    assert loaded.model.dtype == torch.bfloat16
    sizes = [report[1:] for report in reports if len(report) == 3]
    assert sizes[0][0] == 0
    assert sizes[-1][0] == sizes[-1][1] == plan_memory(loaded.model.config, torch.bfloat16).weight_bytes
    assert [done for done, _ in sizes] == sorted(done for done, _ in sizes)
    assert len(sizes) > 50
    assert [report[0] for report in reports if len(report) == 1] == [Phase.DEVICE, Phase.WEIGHTS]


def test_weights_need_not_wait_for_the_code_of_models() -> None:
    """That takes seconds to import; what reads weights has to be there before."""
    program = "import sys, kikitori.engines.qwen2_audio.loading; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def refused(model: object, revision: str | None = None) -> str:
    with pytest.raises(StartupError) as error:
        load(str(model), revision, "auto", False, no_report)
    return str(error.value)


def test_a_model_of_another_class(copy: Path) -> None:
    (copy / "config.json").write_text(json.dumps({"model_type": "whisper", "architectures": ["Whisper"]}))
    assert "'whisper'" in refused(copy)
    assert "Qwen/Qwen2-Audio-7B-Instruct" in refused(copy)


@pytest.mark.parametrize("name", ["config.json", "processor_config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert "opy" in refused(copy)


@pytest.mark.parametrize("name", ["config.json", "processor_config.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_file(copy: Path, name: str) -> None:
    (copy / name).write_bytes((copy / name).read_bytes()[:100])
    assert "opy it again" in refused(copy)


def test_missing_weights(copy: Path) -> None:
    with stored_weights(copy) as weights:
        del weights["language_model.model.layers.1.mlp.up_proj.weight"]
    message = refused(copy)
    assert "1 weights are missing" in message
    assert "model.language_model.layers.1.mlp.up_proj.weight" in message


def test_weights_that_the_model_does_not_have(copy: Path) -> None:
    with stored_weights(copy) as weights:
        weights["vision_tower.proj"] = torch.zeros(2)
    assert "model.safetensors has vision_tower.proj" in refused(copy)


@pytest.mark.parametrize("other", [torch.zeros(191, dtype=torch.bfloat16), torch.zeros(192, dtype=torch.int8)])
def test_weights_of_another_form(copy: Path, other: torch.Tensor) -> None:
    with stored_weights(copy) as weights:
        weights["language_model.model.norm.weight"] = other
    message = refused(copy)
    assert f"language_model.model.norm.weight as {other.dtype} of shape {list(other.shape)}" in message
    assert "[192]" in message


def test_weights_that_are_there_twice(copy: Path) -> None:
    shutil.copy(copy / "model.safetensors", copy / "consolidated.safetensors")
    assert "another file has too" in refused(copy)


@contextmanager
def stored_weights(folder: Path) -> Iterator[dict[str, torch.Tensor]]:
    """The tensors in a model's file, by the names that they have there; changes are written back."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    yield weights
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
@pytest.mark.parametrize("naming", ["transformers 4", "transformers 5"])
def test_the_model_is_the_one_that_transformers_loads(copy: Path, dtype: Dtype, naming: str) -> None:
    with stored_weights(copy) as weights:
        assert {"language_model.lm_head.weight", "language_model.model.norm.weight", "audio_tower.conv1.bias"} < set(
            weights
        )
    theirs = Qwen2AudioForConditionalGeneration.from_pretrained(
        copy, dtype=getattr(torch, dtype), attn_implementation="sdpa"
    )
    if naming == "transformers 5":
        with stored_weights(copy) as weights:
            weights.clear()
            weights |= {name: tensor.to(torch.bfloat16) for name, tensor in theirs.state_dict().items()}
    ours = load(str(copy), None, dtype, False, no_report).model
    expected, got = tensors(theirs), tensors(ours)
    assert expected.keys() == got.keys()
    assert all(got[name].dtype == tensor.dtype and torch.equal(got[name], tensor) for name, tensor in expected.items())
    assert "model.language_model.rotary_emb.inv_freq" in got
    assert not ours.training
    for part in (ours, ours.model.language_model, ours.model.audio_tower):
        assert part.config._attn_implementation == "sdpa"


def test_a_folder_that_is_not_there() -> None:
    assert "there is no folder" in refused("/nowhere/at/all")
    assert "there is no folder" in refused("./nowhere")


def test_a_revision_of_a_folder(tiny: Path) -> None:
    assert "KIKITORI_MODEL_REVISION" in refused(tiny, "main")


def test_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    message = refused("nobody/nothing")
    assert "nobody/nothing" in message
    assert "network" in message


def test_a_process_that_cannot_load_ends(tmp_path: Path, copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with running_service(tmp_path, ENGINE="qwen2-audio", MODEL=str(copy)) as service:
        assert service.process.wait(120) == 1
        assert "Copy the model again" in service.log.read_text()


@pytest.fixture
def hub(tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with local_hub(tiny) as hub:
        hub.lead_here(monkeypatch, tmp_path)
        yield hub


def test_the_hub(hub: Hub, tmp_path: Path) -> None:
    with running_service(tmp_path, ENGINE="qwen2-audio", MODEL="some/model", MODEL_REVISION="main") as service:
        service.until_ready()
        assert [model.id for model in service.client().models.list()] == ["some/model"]
    assert "Bearer hf_secret" in hub.tokens


def test_what_the_hub_refuses(hub: Hub) -> None:
    assert "HF_TOKEN" in refused("some/gated")
    assert "HF_TOKEN" in refused("some/private")
    assert "KIKITORI_MODEL_REVISION" in refused("some/model", "v9")


@pytest.fixture
def storage(tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Storage]:
    """Has the tiny model in `models/tiny`. Nothing may be left in the folder for temporary files."""
    storage = Storage({f"models/tiny/{file.name}": file.read_bytes() for file in tiny.iterdir()})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with answering(storage.reply) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test")
        yield storage
    assert list(temporary.iterdir()) == []


def test_what_does_not_fit_is_refused_before_it_is_downloaded(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikitori.engines.qwen2_audio.loading._free_bytes", lambda _: 1 * GIB)
    assert "does not fit" in refused("gs://weights/models/tiny")
    header = int.from_bytes(storage.objects["models/tiny/model.safetensors"][:8], "little")
    assert [(first, length) for _, first, length in storage.reads] == [(0, 8), (8, header)]


def test_cloud_storage(storage: Storage, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikitori.engines.qwen2_audio.weights._CHUNK_BYTES", 300_000)
    loaded = load("gs://weights/models/tiny", None, "bfloat16", False, no_report)
    local = load(str(tiny), None, "bfloat16", False, no_report)
    weights = tensors(local.model)
    assert all(torch.equal(weights[name], tensor) for name, tensor in tensors(loaded.model).items())
    assert loaded.positions == 8192
    assert len(storage.reads) > 10
    assert sum(length for _, _, length in storage.reads) == (tiny / "model.safetensors").stat().st_size


def test_what_cloud_storage_does_not_have(storage: Storage) -> None:
    assert "no files" in refused("gs://weights/models/other")
    assert "no files" in refused("gs://weights/models")
    assert "no bucket" in refused("gs://elsewhere/models")
    del storage.objects["models/tiny/model.safetensors"]
    assert "no *.safetensors" in refused("gs://weights/models/tiny")


def test_what_cloud_storage_refuses(storage: Storage) -> None:
    assert "roles/storage.objectViewer" in refused("gs://secret/models")
    storage.refusals = [403]
    assert "roles/storage.objectViewer" in refused("gs://weights/models/tiny")


def test_cloud_storage_that_stumbles(storage: Storage) -> None:
    storage.refusals = [503, 429]
    assert load("gs://weights/models/tiny", None, "bfloat16", False, no_report).positions == 8192


def test_cloud_storage_that_sends_something_else(storage: Storage) -> None:
    storage.whole = True
    assert "more than it was asked for" in refused("gs://weights/models/tiny")


def test_weights_that_are_replaced_while_they_are_read(storage: Storage) -> None:
    storage.replaced_after = 2
    assert "its files are gone" in refused("gs://weights/models/tiny")
    assert len(storage.reads) == 2  # the header


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("generation_config.json", "{}", "generation_config.json"),
        ("config.json", '{"model_type": "never_heard_of"}', "never_heard_of"),
        ("config.json", "[]", "damaged"),
        ("chat_template.jinja", "{% for message in", "cannot answer"),
    ],
)
def test_small_files_that_say_nothing(copy: Path, file: str, content: str, words: str) -> None:
    (copy / file).write_text(content)
    with pytest.raises(StartupError, match=words):
        Qwen2AudioEngine(str(copy)).load(lambda *_: None)
