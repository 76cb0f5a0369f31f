"""Which files of a folder are recordings."""

from __future__ import annotations

import os
import stat
from pathlib import Path

SUFFIXES = frozenset(".aac .aif .aiff .caf .flac .m4a .mka .mkv .mov .mp3 .mp4 .oga .ogg .opus .wav .webm .wma".split())


def find(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """The recordings of a folder and of all folders in it, in order; and what could not be looked into, and why."""
    found: list[Path] = []
    unseen: dict[Path, str] = {}

    def leave_out(error: OSError) -> None:
        unseen[Path(error.filename)] = f"not looked into: {error.strerror}"

    for place, folders, names in os.walk(folder, onerror=leave_out):
        for link in (Path(place, name) for name in folders):
            # One that leads to a folder of this tree hides nothing.
            is_link = os.path.islink(link)  # noqa: PTH114 - Path's fails where the folder lets nobody look
            if is_link and not link.resolve().is_relative_to(folder.resolve()):
                unseen[link] = "not looked into: a link to a folder elsewhere; give that one by itself"
        for file in (Path(place, name) for name in names):
            if file.suffix.lower() in SUFFIXES:
                try:
                    if stat.S_ISREG(file.stat().st_mode):
                        found.append(file)
                except OSError as error:
                    leave_out(error)
    return sorted(found), unseen
