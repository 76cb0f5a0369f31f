"""Programs of others that an operator's program runs; what they say goes to the terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path


class ProgramError(Exception):
    """A program failed; the message names it and what it was to do."""


def run(*command: str | Path, folder: Path | None = None, capture: bool = False) -> str:
    """Run a program.

    Args:
        command: its path, what it is to do, and arguments.
        folder: to run it in.
        capture: give what it prints, instead of showing it.

    Raises:
        ProgramError: it failed, or it is not there.
    """
    name = f"{Path(command[0]).name} {next((str(word) for word in command[1:] if not str(word).startswith('-')), '')}"
    try:
        done = subprocess.run(command, cwd=folder, check=False, text=True, stdout=subprocess.PIPE if capture else None)
    except FileNotFoundError as error:
        raise ProgramError(f"{name}: the program is missing ({error.filename})") from error
    if done.returncode:
        raise ProgramError(f"{name} failed with status {done.returncode}; its own lines above say why")
    return done.stdout or ""
