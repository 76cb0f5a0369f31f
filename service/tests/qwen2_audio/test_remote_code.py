"""What becomes of Python code that comes with a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from kikitori.engines.qwen2_audio.loading import load

_CODE = """\
from pathlib import Path

from transformers import Qwen2AudioProcessor

Path({trace!r}).write_text("it ran")


class TheirProcessor(Qwen2AudioProcessor):
    pass
"""


@pytest.fixture
def model(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny model with code beside it, which leaves a file `trace` there when it runs."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    copy = shutil.copytree(tiny, tmp_path / "model")
    (copy / "theirs.py").write_text(_CODE.format(trace=str(copy / "trace")))
    file = copy / "processor_config.json"
    asking = {"auto_map": {"AutoProcessor": "theirs.TheirProcessor"}, "trust_remote_code": True}
    file.write_text(json.dumps(json.loads(file.read_text()) | asking))
    return copy


@pytest.mark.parametrize("trusted", [False, True])
def test_it_runs_only_where_it_is_trusted(model: Path, trusted: bool) -> None:
    loaded = load(str(model), None, "float32", trusted, lambda *_: None)
    assert type(loaded.processor).__name__ == ("TheirProcessor" if trusted else "Qwen2AudioProcessor")
    assert (model / "trace").exists() == trusted
