"""One of the two roots of Terraform, with the real program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .conftest import Served
from .store import Json

_TERRAFORM = Path(__file__).parents[2] / "terraform"


class Root:
    """A copy of a root, against a local cloud."""

    def __init__(self, cloud: Served, folder: Path, name: str) -> None:
        self.cloud, self.folder = cloud, folder / "terraform" / name
        if not (folder / "terraform").exists():
            shutil.copytree(
                _TERRAFORM, folder / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
            )

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Terraform."""
        environment = {**os.environ, **self.cloud.environment(), "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(
            ["terraform", *arguments], cwd=self.folder, env=environment, start_new_session=True, **pipes
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Its status and what it says."""
        process = self.command(*arguments)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said

    def __call__(self, *arguments: str) -> str:
        """What it says, if it succeeds."""
        status, said = self.run(*arguments)
        assert status == 0, said
        return said

    def apply(self) -> None:
        """Apply."""
        self("apply", "-auto-approve", "-no-color", "-parallelism=50")

    def plans_nothing(self) -> None:
        """Demand an empty plan."""
        status, said = self.run("plan", "-detailed-exitcode", "-no-color", "-lock=false", "-parallelism=50")
        assert status == 0, said

    def destroy(self) -> None:
        """Destroy."""
        self("destroy", "-auto-approve", "-no-color", "-parallelism=50")

    def outputs(self) -> Json:
        """Its outputs."""
        return {name: each["value"] for name, each in json.loads(self("output", "-json")).items()}
