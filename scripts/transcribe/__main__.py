"""Transcribes a folder of audio files by a service, a few at a time; what is there already is not asked for again.

Beside the texts, nothing is kept: stop it at any time, and the same command goes on where it was. The access key is
read from KIKITORI_API_KEY. A busy service is asked again when it says so, one that wakes up is waited for. The exit
status is 0 when every file has its text, 1 when some have none (the last lines say why), 2 when nothing can be done,
130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai

_SUFFIXES = frozenset(
    ".aac .aif .aiff .caf .flac .m4a .mka .mkv .mov .mp3 .mp4 .oga .ogg .opus .wav .webm .wma".split()
)
_TRIES = 8
"""After the first, for one file: about a minute with the client's growing pauses, or as long as Retry-After says."""
_TIMEOUT_S = 600
_FORMATS = {"txt": "text", "srt": "srt", "jsonl": "verbose_json"}
_HOPELESS = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
"""What one file is refused for, all others will be as well."""


class HopelessError(Exception):
    """Nothing more can be done for any file; the message says why."""


@dataclass
class Batch:
    """The files of a folder, and where their texts go.

    `jsonl` is one file, a line each; `txt` and `srt` are files of the same names beside each other in `target`.
    """

    source: Path
    target: Path
    form: str
    files: list[Path] = field(init=False)
    """Those that have no text yet, in order."""
    done: int = field(init=False)

    def __post_init__(self) -> None:
        found = sorted(file for file in self.source.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
        written = self._written()
        self.files = [file for file in found if not self._has_text(file, written)]
        self.done = len(found) - len(self.files)

    def keep(self, file: Path, answer: Any) -> None:
        """Write a text so that it is there whole or not at all.

        Raises:
            HopelessError: none can be written.
            OSError: this one cannot.
        """
        try:
            self._write(file, answer)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise
            raise HopelessError(f"The text of {file} cannot be written: {error}") from error

    def _write(self, file: Path, answer: Any) -> None:
        if self.form == "jsonl":
            line = json.dumps({"file": self._name(file), **answer.to_dict()}, ensure_ascii=False)
            # A name that is no UTF-8 is escaped as JSON has it, and read again as it was.
            with self._lines.open("a", encoding="utf-8", errors="backslashreplace") as lines:
                lines.write(f"{line}\n")
            return
        text = self._text_of(file)
        text.parent.mkdir(parents=True, exist_ok=True)
        unfinished = text.with_name(f".{text.name}.unfinished")
        unfinished.write_text(answer if answer.endswith("\n") else f"{answer}\n", encoding="utf-8")
        unfinished.replace(text)

    @property
    def _lines(self) -> Path:
        return self.target / "transcripts.jsonl"

    def take_away_what_was_cut(self) -> None:
        """A crash may have left the beginning of a line, which the next one would be glued to."""
        if self.form == "jsonl" and self._lines.exists():
            os.truncate(self._lines, self._lines.read_bytes().rfind(b"\n") + 1)

    def _written(self) -> set[str]:
        """Names of the files that have a whole line."""
        if self.form != "jsonl" or not self._lines.exists():
            return set()
        *whole, _ = self._lines.read_bytes().split(b"\n")
        try:
            return {json.loads(line)["file"] for line in whole}
        except (ValueError, LookupError, TypeError) as error:
            raise HopelessError(f"{self._lines} has lines that are not of this program; give another --to") from error

    def _has_text(self, file: Path, written: set[str]) -> bool:
        if self.form == "jsonl":
            return self._name(file) in written
        return os.path.exists(self._text_of(file))  # noqa: PTH110 - Path's fails where a name is too long

    def _name(self, file: Path) -> str:
        return file.relative_to(self.source).as_posix()

    def _text_of(self, file: Path) -> Path:
        # The whole name stays: talk.wav and talk.mp3 may lie beside each other.
        return self.target / f"{self._name(file)}.{self.form}"


async def transcribe(
    batch: Batch, client: openai.AsyncOpenAI, concurrency: int, options: dict[str, Any]
) -> dict[Path, str]:
    """Ask for all texts, at most `concurrency` at a time; gives the files without one, and why.

    Raises:
        HopelessError: the service refuses whatever it is sent, is not there, or no text can be written.
    """
    failures: dict[Path, str] = {}
    hopeless: list[HopelessError] = []
    before = batch.done
    waiting = iter(batch.files)
    total = batch.done + len(batch.files)

    async def work(files: Iterable[Path]) -> None:
        for file in files:
            if hopeless:
                return
            began = time.monotonic()
            try:
                answer = await _ask(file, client, options, reached=batch.done > before)
                if hopeless:
                    return  # behind a line that was not written whole, none may follow
                batch.keep(file, answer)
            except HopelessError as error:
                hopeless.append(error)
                return
            except (openai.APIError, OSError) as error:
                failures[file] = str(getattr(error, "message", error))
                _say(f"failed      {file}: {failures[file]}")
                continue
            batch.done += 1
            _say(f"{batch.done:5}/{total} {file} ({time.monotonic() - began:.1f} s)")

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(concurrency, len(batch.files))):
            workers.create_task(work(waiting))
    if hopeless:
        raise hopeless[0]
    return failures


async def _ask(file: Path, client: openai.AsyncOpenAI, options: dict[str, Any], *, reached: bool) -> Any:
    """Ask for a text; `reached` says that others were answered.

    Raises:
        HopelessError: others would end in the same way.
        openai.APIError, OSError: this file has none.
    """
    content = (_readable(file.name), await asyncio.to_thread(file.read_bytes))
    try:
        return await client.audio.transcriptions.create(file=content, **options)
    except _HOPELESS as error:
        raise HopelessError(f"The service takes nothing from here: {error.message}") from error
    except openai.APIConnectionError as error:
        if reached or isinstance(error, openai.APITimeoutError):
            raise
        raise HopelessError(f"Nobody answers at {client.base_url}: is that where the service is?") from error


@contextmanager
def _alone_in(target: Path) -> Iterator[None]:
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


def _readable(name: str) -> str:
    """A name without the bytes that are no UTF-8."""
    return os.fsencode(name).decode(errors="replace")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def _run(options: argparse.Namespace) -> int:
    target = options.to or options.folder
    if options.dry_run:
        for file in _batch(options, target).files:
            print(_readable(str(file)))
        return 0
    target.mkdir(parents=True, exist_ok=True)
    with _alone_in(target):
        batch = _batch(options, target)
        batch.take_away_what_was_cut()
        return await _fill(batch, options)


def _batch(options: argparse.Namespace, target: Path) -> Batch:
    batch = Batch(options.folder, target, options.format)
    if batch.done or batch.files:
        _say(f"{batch.done} of {batch.done + len(batch.files)} files have a text already")
    else:
        _say(f"{options.folder} has no audio files: none that ends with {' '.join(sorted(_SUFFIXES))}")
    return batch


async def _fill(batch: Batch, options: argparse.Namespace) -> int:
    key = os.environ.get("KIKITORI_API_KEY", "").strip() or "none"
    asked = {"model": options.model, "response_format": _FORMATS[options.format]}
    asked |= {name: value for name in ("language", "prompt") if (value := getattr(options, name))}
    async with openai.AsyncOpenAI(
        base_url=f"{options.service.rstrip('/').removesuffix('/v1')}/v1",
        api_key=key,
        max_retries=_TRIES,
        timeout=_TIMEOUT_S,
    ) as client:
        failures = await transcribe(batch, client, options.concurrency, asked)
    for file, why in failures.items():
        _say(f"no text: {file}: {why}")
    return 1 if failures else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.transcribe", description=__doc__)
    parser.add_argument("folder", type=Path, help="looked through with all folders in it")
    parser.add_argument("--service", default="http://127.0.0.1:8000", metavar="URL", help="default: %(default)s")
    parser.add_argument("--format", choices=_FORMATS, default="txt", help="default: %(default)s")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the texts go (default: beside the files)")
    parser.add_argument(
        "--concurrency", type=int, default=4, metavar="N", help="files at a time (default: %(default)s)"
    )
    parser.add_argument("--model", default="whisper-1", help="default: %(default)s, which every service here takes")
    parser.add_argument("--language", help="of the speech, such as ja (default: the model finds out)")
    parser.add_argument("--prompt", help="text that the speech continues: names and words to expect")
    parser.add_argument("--dry-run", action="store_true", help="only list the files that would be sent")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    if options.concurrency < 1:
        parser.error("--concurrency must be at least 1")
    try:
        return asyncio.run(_run(options))
    except (HopelessError, OSError) as error:
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        _say("Stopped; the same command goes on from here.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
