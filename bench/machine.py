"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import psutil


def machine() -> dict[str, object]:
    """The record of this machine and of what runs on it; memory in GiB, the load is the average of the last minute."""
    # Not above: the contestants' processes import what the program does, and the engine sets variables that torch reads
    # when it is imported.
    import torch
    import transformers

    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "commit": _commit(),
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.machine()


def _commit() -> str | None:
    """The commit, with a mark where a program or the lock differs from it; None outside a repository."""
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("diff", "--name-only", "HEAD", "--", "*.py", "uv.lock")
    return f"{commit}-dirty" if commit and changed else commit or None


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()  # noqa: S603
