"""A model in 8 or 4 bits: that it hears as well, is the same however it was made, and is never half written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from jiwer import wer
from kikitori.engines.qwen2_audio.loading import Dtype, QuantizationAsked, load
from kikitori.errors import StartupError

from scripts.quantize import main
from service.tests.qwen2_audio.tensors import tensors
from service.tests.tiny_model.evaluate import Listener
from service.tests.tiny_model.speech import held_out_utterances
from service.tests.tiny_model.tasks import DECISIVE, PROMPTS, Truth, answer
from tests.processes import running_service, until
from tests.speech import wav

Property = Callable[[str, object], None]


def loaded(model: Path, to: QuantizationAsked = None, dtype: Dtype = "auto") -> Any:
    return load(str(model), None, dtype, False, lambda *_: None, to).model


@pytest.fixture(scope="module", params=["int8", "int4"])
def copy(request: pytest.FixtureRequest, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the tiny model that the script has written, in several files, and what it is in."""
    folder = tmp_path_factory.mktemp("quantized") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scripts.quantize._SHARD_BYTES", 300_000)
        assert main([str(tiny), str(folder), "--to", request.param]) == 0
    return folder, request.param


def test_it_hears_as_well(tiny: Path, record_property: Property) -> None:
    """As many answers are right as in float32 but for one in eight, and nearly all are the same."""
    listener = Listener(tiny)
    clips = held_out_utterances(16)
    asked = {task: [([clip.samples], PROMPTS[task][0]) for clip in clips] for task in DECISIVE}
    whole = {task: listener.ask(questions) for task, questions in asked.items()}
    for to in ("int8", "int4"):
        listener.model = loaded(tiny, to)
        for task, questions in asked.items():
            answers = listener.ask(questions)
            truths = [answer(task, Truth(clip.words, clip.speaker.register)) for clip in clips]
            agreement, lost = share(answers, whole[task]), share(whole[task], truths) - share(answers, truths)
            record_property(f"{to}_{task}_agreement", round(agreement, 3))
            record_property(f"{to}_{task}_right", round(share(answers, truths), 3))
            assert agreement >= 0.9
            assert lost <= 1 / 8


def share(answers: list[str], others: list[str]) -> float:
    return sum(one == other for one, other in zip(answers, others, strict=True)) / len(others)


def test_a_stored_copy_is_what_is_made_on_loading(copy: tuple[Path, QuantizationAsked], tiny: Path) -> None:
    folder, to = copy
    assert len(list(folder.glob("*.safetensors"))) > 3
    stored, made = tensors(loaded(folder)), tensors(loaded(tiny, to))
    assert stored.keys() == made.keys()
    assert all(stored[name].dtype == made[name].dtype and torch.equal(stored[name], made[name]) for name in made)
    codes = [tensor for tensor in made.values() if not tensor.is_floating_point()]
    assert len(codes) >= 3 * 7 + 2


def test_a_stored_copy_has_all_that_is_needed(copy: tuple[Path, str], tiny: Path) -> None:
    folder, to = copy
    names = {file.name for file in folder.iterdir() if file.suffix != ".safetensors"}
    assert names == {file.name for file in tiny.iterdir() if file.suffix != ".safetensors"} | {
        "model.safetensors.index.json"
    }
    assert json.loads((folder / "config.json").read_text())["kikitori_quantization"] == to
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == {file.name for file in folder.glob("*.safetensors")}
    assert all(file.stat().st_mode & 0o777 == 0o644 for file in folder.glob("*.safetensors"))
    assert not folder.with_name("model.partial").exists()


def test_the_setting_of_a_service(tiny: Path, tmp_path: Path) -> None:
    clip = held_out_utterances(1)[0]
    with running_service(tmp_path, ENGINE="qwen2-audio", MODEL=str(tiny), QUANTIZATION="int4") as service:
        service.until_ready()
        heard = service.client().audio.transcriptions.create(model="qwen2-audio", file=("a.wav", wav(clip.samples)))
    assert wer(clip.text, heard.text) < 0.5


def test_settings_that_contradict_it(copy: tuple[Path, str], tiny: Path) -> None:
    folder, to = copy
    others: list[QuantizationAsked] = ["none", "int4" if to == "int8" else "int8"]
    for other in others:
        with pytest.raises(StartupError, match=rf"KIKITORI_QUANTIZATION is {other}.*stored in {to}"):
            loaded(folder, other)
    with pytest.raises(StartupError, match="KIKITORI_DTYPE is float32"):
        loaded(folder, dtype="float32")
    with pytest.raises(StartupError, match="KIKITORI_DTYPE is float16"):
        loaded(tiny, "int8", "float16")


def test_a_stored_copy_of_another_kind(copy: tuple[Path, str], tmp_path: Path) -> None:
    folder, to = copy
    changed = Path(shutil.copytree(folder, tmp_path / "model"))
    config = json.loads((changed / "config.json").read_text())
    for kind, words in (("int8" if to == "int4" else "int4", "Copy the model again"), ("int2", "does not know")):
        (changed / "config.json").write_text(json.dumps(config | {"kikitori_quantization": kind}))
        with pytest.raises(StartupError, match=words):
            loaded(changed)


_MAIN = "from scripts.quantize import main; raise SystemExit(main())"


def refused(capsys: pytest.CaptureFixture[str], source: object, target: Path) -> str:
    assert main([str(source), str(target), "--to", "int8"]) == 1
    return capsys.readouterr().err


def test_what_it_refuses_to_copy(
    copy: tuple[Path, str], tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "target"
    assert "quantized already" in refused(capsys, copy[0], target)
    assert "there is no folder" in refused(capsys, "/nowhere", target)
    half = Path(shutil.copytree(copy[0], tmp_path / "half"))
    (half / "config.json").write_bytes((tiny / "config.json").read_bytes())
    assert "Copy the model again" in refused(capsys, half, target) or "no place for" in refused(capsys, half, target)
    (half / "config.json").write_text(json.dumps({"model_type": "whisper"}))
    assert "'whisper'" in refused(capsys, half, target)
    assert [file.name for file in tmp_path.iterdir()] == ["half"]


def test_it_overwrites_nothing(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "target"
    kept.mkdir()
    (kept / "notes").write_text("mine")
    assert "there already" in refused(capsys, tiny, kept)
    assert "there already" in refused(capsys, tiny, kept / "notes")
    assert (kept / "notes").read_text() == "mine"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main([str(tiny), str(empty), "--to", "int8"]) == 0
    loaded(empty)


def test_what_cannot_be_written_leaves_nothing(tiny: Path, tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10**5, 10**5))"
    run = subprocess.run(
        [sys.executable, "-c", f"{limit}; {_MAIN}", str(tiny), str(tmp_path / "target"), "--to", "int8"],
        env=dict(os.environ) | {"PYTHONPATH": "."},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.returncode == 1
    assert "File too large" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_writes_nothing(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "target"
    assert main([str(tiny), str(target), "--to", "int8", "--dry-run"]) == 0
    assert f"{target} would be made of {tiny}, 0.0" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main([str(tiny), str(tiny), "--to", "int8", "--dry-run"]) == 1
    assert "there already" in capsys.readouterr().err


def test_a_killed_run_never_looks_whole_and_is_begun_again(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    killed = "import os; from scripts import quantize; quantize._write_json = lambda *_: os.kill(os.getpid(), 9)"
    run = subprocess.run(
        [sys.executable, "-c", f"{killed}; quantize.main([{str(tiny)!r}, {str(target)!r}, '--to', 'int8'])"],
        env=dict(os.environ) | {"PYTHONPATH": "."},
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert not target.exists()
    partial = tmp_path / "target.partial"
    assert any(partial.iterdir())
    (partial / "of-the-killed.json").touch()
    assert main([str(tiny), str(target), "--to", "int8"]) == 0
    assert not partial.exists()
    assert not (target / "of-the-killed.json").exists()


def test_what_another_run_is_filling_is_left_alone(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "target"
    partial = tmp_path / "target.partial"
    filling = "import os, signal; from scripts import quantize; quantize._write_json = lambda *_: signal.pause()"
    run = subprocess.Popen(
        [sys.executable, "-c", f"{filling}; quantize.main([{str(tiny)!r}, {str(target)!r}, '--to', 'int8'])"],
        env=dict(os.environ) | {"PYTHONPATH": "."},
    )
    try:
        until(lambda: partial.is_dir() and any(partial.iterdir()))
        assert "Another run is filling" in refused(capsys, tiny, target)
        assert any(partial.iterdir())
    finally:
        run.kill()
        run.wait()


def test_its_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, status in ((["here", "there", "--to", "int3"], 2), (["here", "there"], 2), (["--help"], 0)):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == status
        said = capsys.readouterr()
        assert "--to {int8,int4}" in said.out + said.err
