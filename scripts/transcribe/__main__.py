"""Transcribes a folder of audio files by a service, a few at a time; what is there already is not asked for again.

Stop it at any time: the same command goes on where it was. The access key is read from KIKITORI_API_KEY. A busy service
is asked again when it says so, one that wakes up is waited for. The exit status is 0 when every file has its text, 1
when some have none or a folder could not be looked into (the last lines say why), 2 when nothing can be done, or
nothing more, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import openai

from scripts.transcribe.asking import FORMATS, TIMEOUT_S, TRIES, Batch, readable, say, transcribe
from scripts.transcribe.recordings import SUFFIXES, find
from scripts.transcribe.texts import HopelessError, Texts, alone_in


async def _run(options: argparse.Namespace) -> int:
    target = options.to or options.folder
    if options.dry_run:
        batch = _batch(options, target)
        for file in batch.missing:
            print(readable(str(file)))
    else:
        target.mkdir(parents=True, exist_ok=True)
        with alone_in(target):
            batch = _batch(options, target)
            batch.texts.mend()
            await _fill(batch, options)
    for path, why in batch.failures.items():
        say(f"no text: {path}: {why}")
    return 1 if batch.failures else 0


def _batch(options: argparse.Namespace, target: Path) -> Batch:
    texts = Texts(options.folder, target, options.format)
    found, unseen = find(options.folder)
    missing = [file for file in found if not texts.has(file)]
    done = len(found) - len(missing)
    if found:
        say(f"{done} of {len(found)} files have a text already")
    else:
        say(f"{options.folder} has no audio files: none that ends with {' '.join(sorted(SUFFIXES))}")
    return Batch(texts, done, missing, unseen)


async def _fill(batch: Batch, options: argparse.Namespace) -> None:
    asked = {"model": options.model, "response_format": FORMATS[options.format]}
    asked |= {name: value for name in ("language", "prompt") if (value := getattr(options, name))}
    async with openai.AsyncOpenAI(
        base_url=f"{options.service.rstrip('/').removesuffix('/v1')}/v1",
        api_key=_key(),
        max_retries=TRIES,
        timeout=TIMEOUT_S,
    ) as client:
        await transcribe(batch, client, options.concurrency, asked)


def _key() -> str:
    key = os.environ.get("KIKITORI_API_KEY", "").strip() or "none"
    if not (key.isascii() and key.isprintable()):
        raise HopelessError("KIKITORI_API_KEY is no access key: it has other characters than those of ASCII")
    return key


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna")
        is_one = parts.scheme in ("http", "https") and host and parts.port != 0 and text.isprintable()
    except ValueError:
        is_one = False
    if not is_one:
        raise argparse.ArgumentTypeError(f"{text} is no address such as https://example.com")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.transcribe", description=__doc__)
    parser.add_argument("folder", type=Path, help="looked through with all folders in it")
    parser.add_argument(
        "--service", type=_address, default="http://127.0.0.1:8000", metavar="URL", help="default: %(default)s"
    )
    parser.add_argument("--format", choices=FORMATS, default="txt", help="default: %(default)s")
    parser.add_argument(
        "--to", type=Path, metavar="FOLDER", help="for the texts of this folder alone (default: beside the files)"
    )
    parser.add_argument(
        "--concurrency", type=int, default=4, metavar="N", help="files at a time (default: %(default)s)"
    )
    parser.add_argument("--model", default="whisper-1", help="default: %(default)s, which every service here takes")
    parser.add_argument("--language", help="of the speech, such as ja (default: the model finds out)")
    parser.add_argument("--prompt", help="text that the speech continues: names and words to expect")
    parser.add_argument("--dry-run", action="store_true", help="only list the files that would be sent")
    options = parser.parse_args(arguments)
    if options.concurrency < 1:
        parser.error("--concurrency must be at least 1")
    try:
        if not options.folder.is_dir():
            parser.error(f"{options.folder} is no folder")
        return asyncio.run(_run(options))
    except (HopelessError, OSError) as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        say("Stopped; the same command goes on from here.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
