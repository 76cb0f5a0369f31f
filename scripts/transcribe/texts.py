"""Where the texts of a folder's recordings are kept, and which it has already."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BEGINNING = b'{"file": "'
"""Of each line of JSON."""


class HopelessError(Exception):
    """Nothing more can be done for any file; the message says why."""


@dataclass
class Texts:
    """The texts of the recordings in `source`, kept in `target`.

    `jsonl` is one file, a line each; `txt` and `srt` are files of the same names beside each other. A hidden file says
    how the recordings are reached from there: those of another folder may have the same names.

    Raises:
        HopelessError: the texts there are not of these recordings, or not of this program.
    """

    source: Path
    target: Path
    form: str
    _named: set[str] = field(init=False)
    _unwritable: HopelessError | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        owner = self._owner()
        if owner not in (b"", self._way_to_source()):
            raise HopelessError(
                f"{self.target} has the texts of {(self.target / os.fsdecode(owner)).resolve()}; give another --to. "
                f"If that folder was moved to {self.source}, remove {self._note}."
            )
        self._named = self._names()

    def has(self, file: Path) -> bool:
        """Whether a recording has its text."""
        if self.form == "jsonl":
            return self._name(file) in self._named
        return os.path.exists(self._text_of(file))  # noqa: PTH110 - Path's fails where a name is too long

    def keep(self, file: Path, answer: Any) -> None:
        """Write a text so that it is there whole or not at all: a JSON object for `jsonl`, else a string.

        Raises:
            HopelessError: none can be written.
            OSError: this one cannot.
        """
        if self._unwritable:
            raise self._unwritable  # behind a line that was not written whole, none may follow
        try:
            self._write(file, answer)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise
            self._unwritable = HopelessError(f"The text of {file} cannot be written: {error}")
            raise self._unwritable from error

    def mend(self) -> None:
        """End the last line: a crash may have left its beginning, an editor no line end."""
        if self.form == "jsonl" and self._lines.exists():
            *_, last = self._lines.read_bytes().split(b"\n")
            if _is_cut(last):
                os.truncate(self._lines, self._lines.stat().st_size - len(last))
            elif last:
                with self._lines.open("ab") as lines:
                    lines.write(b"\n")

    def _write(self, file: Path, answer: Any) -> None:
        if not self._owner():
            self._note.write_bytes(self._way_to_source())
        if self.form == "jsonl":
            line = json.dumps({"file": self._name(file), **answer}, ensure_ascii=False)
            # A name that is no UTF-8 is escaped as JSON has it, and read again as it was.
            with self._lines.open("a", encoding="utf-8", errors="backslashreplace") as lines:
                lines.write(f"{line}\n")
            return
        text = self._text_of(file)
        text.parent.mkdir(parents=True, exist_ok=True)
        unfinished = text.with_name(f".{text.name}.unfinished")
        unfinished.write_text(answer if answer.endswith("\n") else f"{answer}\n", encoding="utf-8")
        unfinished.replace(text)

    def _names(self) -> set[str]:
        """Of the recordings that have a whole line."""
        if self.form != "jsonl" or not self._lines.exists():
            return set()
        *whole, last = self._lines.read_bytes().split(b"\n")
        if not _is_cut(last):
            whole.append(last)
        try:
            return {json.loads(line)["file"] for line in whole}
        except (ValueError, LookupError, TypeError) as error:
            raise HopelessError(f"{self._lines} has lines that are not of this program; give another --to") from error

    def _owner(self) -> bytes:
        return self._note.read_bytes() if self._note.exists() else b""

    def _way_to_source(self) -> bytes:
        # Not absolute, so that both can be moved together.
        return os.fsencode(os.path.relpath(self.source.resolve(), self.target.resolve()))

    @property
    def _note(self) -> Path:
        return self.target / ".transcripts-of"

    @property
    def _lines(self) -> Path:
        return self.target / "transcripts.jsonl"

    def _name(self, file: Path) -> str:
        return file.relative_to(self.source).as_posix()

    def _text_of(self, file: Path) -> Path:
        # The whole name stays: talk.wav and talk.mp3 may lie beside each other.
        return self.target / f"{self._name(file)}.{self.form}"


def _is_cut(line: bytes) -> bool:
    """Whether it is the beginning of a line of this program, be it empty, and not all of it."""
    try:
        json.loads(line)
    except ValueError:
        return line.startswith(_BEGINNING) or _BEGINNING.startswith(line)
    return False


@contextmanager
def alone_in(target: Path) -> Iterator[None]:
    """Keep others of this program out of a folder, until the end of this one at the latest.

    Raises:
        HopelessError: another one fills it.
    """
    folder = os.open(target, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(folder)
        raise HopelessError(f"Another one writes texts into {target}. Let it end first.") from error
    except OSError:
        pass  # NFS locks no folders; two at once are a risk there
    try:
        yield
    finally:
        os.close(folder)
