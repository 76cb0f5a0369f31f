"""The environment of a program that names its own dependencies and has a lock beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def python_of(script: Path) -> str:
    """The Python in which it runs, after it has all that its lock names."""
    uv = os.environ.get("UV") or shutil.which("uv") or ".tools/bin/uv"
    subprocess.run([uv, "sync", "--quiet", "--locked", "--script", script], check=True)  # noqa: S603
    find = [uv, "python", "find", "--script", str(script)]
    found = subprocess.run(find, check=True, capture_output=True, text=True)  # noqa: S603
    return found.stdout.strip()
