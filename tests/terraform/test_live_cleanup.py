"""What the live test made in Google Cloud goes again, whatever fails before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.live_deployment import clean_up


def test_goes_on_to_the_destroys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, programs = tmp_path / "log", tmp_path / "bin"
    programs.mkdir()
    for name in ("gcloud", "terraform"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $1 ${{PWD##*/}}" >> {log}\nexit 1\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    for folder in ("bootstrap", "app"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "terraform.tfstate").touch()
    with pytest.raises(subprocess.CalledProcessError):
        clean_up(tmp_path / "bootstrap", tmp_path / "app", "gs://weights")
    assert log.read_text(encoding="utf-8").splitlines() == [
        f"gcloud storage {tmp_path.name}",
        "terraform destroy app",
        "terraform destroy bootstrap",
    ]
