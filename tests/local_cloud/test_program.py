"""The stand-in as `make cloud-api` starts it: what it refuses, and with what status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.processes import free_port

from .conftest import served


def _program(state: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.local_cloud", "--state", str(state), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_port_that_is_taken(tmp_path: Path) -> None:
    with served(tmp_path / "one", with_registry=False) as cloud:
        refused = _program(tmp_path / "two", "--port", cloud.url.rpartition(":")[2])
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "choose another, as CLOUD_PORT=9000" in refused.stderr


def test_state_that_would_not_follow(tmp_path: Path) -> None:
    with served(tmp_path, with_registry=False):
        pass
    port = f"--port={free_port()}"
    for option, words in (
        ("--new-project", "has a project already: remove the folder"),
        ("--project=another-one", "has the project kikitori-local"),
    ):
        refused = _program(tmp_path, port, option)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert words in refused.stderr
