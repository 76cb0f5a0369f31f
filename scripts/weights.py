"""Brings a model from the hub into the bucket that the service loads it from, in fewer bits where that is asked for.

The revision is pinned: a branch or tag becomes the commit that it names now. Every file is compared with the hub's
hash after the download, and with Cloud Storage's checksum after the upload. The file that makes the folder a model is
written last, so that no service takes half of it for whole, and nothing that is there is ever replaced: a new revision
is a new folder. Stop it at any time; the same command goes on where it was, with the file that it was downloading.

Signs in to Google by the application's default credentials, and to the hub by HF_TOKEN, which gated and private models
need. The last line is what terraform/app is to be told. The exit status is 0 when the bucket has the model, 1 when it
has not (the last line says what to do), 2 when the command is wrong, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts import hub
from scripts.bucket import BucketError, BucketFolder, crc32c
from scripts.programs import ProgramError, run

_ROOT = Path(__file__).parent.parent
_CONVERTED = _ROOT / ".cache" / "weights"
_SHARES = {None: 1.0, "int8": 9.0 / 16.8, "int4": 5.3 / 16.8}
"""How much of the original in bfloat16 a copy takes: what the 7B model does, see README.md."""
_USD_PER_GB_MONTH = 0.02
"""Standard storage in asia-southeast1, europe-west1, europe-west4 and us-central1, 0.023 in us-east4 and asia-south1:
https://cloud.google.com/storage/pricing (2026-11)."""


class WeightsError(Exception):
    """The model cannot be uploaded; the message says what to do."""


@dataclass(frozen=True)
class Weights:
    """A model of the hub as it shall be uploaded: `to` is int8, int4, or None where it stays as it is."""

    snapshot: hub.Snapshot
    to: str | None

    @property
    def made_of(self) -> str:
        """What it is, in words."""
        return f"{self.snapshot.model}@{self.snapshot.commit}" + (f" in {self.to}" if self.to else "")

    @property
    def name(self) -> str:
        """A folder's name that no other model has."""
        parts = [self.snapshot.model.rpartition("/")[2], self.snapshot.commit[:12], self.to]
        return "-".join(re.sub(r"[^a-z0-9.]+", "-", part.lower()) for part in parts if part)

    @property
    def size(self) -> float:
        """Bytes that will be uploaded, of a conversion an estimate."""
        return sum(self.snapshot.sizes.values()) * _SHARES[self.to]

    def prepare(self) -> list[Path]:
        """Have the files here, whole and checked.

        Raises:
            HubError, ProgramError, WeightsError: they cannot be had.
        """
        self._check_room()
        folder = hub.fetch(self.snapshot)
        if not self.to:
            return [folder / name for name in self.snapshot.sizes]
        if not self._converted.exists():
            program = _ROOT / ".venv-qwen2-audio" / "bin" / "python"
            run(program, _ROOT / "scripts" / "quantize.py", folder, self._converted, "--to", self.to)
        return sorted(self._converted.iterdir())

    @property
    def _converted(self) -> Path:
        return _CONVERTED / self.name

    def _check_room(self) -> None:
        needed = {hub.cache(): hub.missing_bytes(self.snapshot)}
        if self.to and not self._converted.exists():
            needed[_CONVERTED] = int(self.size)
        for folder in needed:
            there = _existing(folder)
            size = sum(more for other, more in needed.items() if _existing(other).stat().st_dev == there.stat().st_dev)
            if size > (free := shutil.disk_usage(there).free):
                raise WeightsError(
                    f"{_gb(size)} more are needed on the disk of {folder}, and {_gb(free)} are free. Make room, or set "
                    "HF_HOME, where downloads are kept, to a folder on another disk."
                )


def upload(weights: Weights, folder: BucketFolder) -> None:
    """Have the model in the folder.

    Raises:
        BucketError, HubError, ProgramError, WeightsError: it is not there whole.
    """
    if folder.is_whole():
        _say(f"{folder.address} has it already")
        return
    folder.check_writable()
    files = {file.name: file for file in weights.prepare()}
    checksums = {name: crc32c(file) for name, file in files.items()}
    missing = folder.missing(checksums)
    _say(f"{len(files) - len(missing)} of {len(files)} files are in {folder.address} already")
    for name in missing:
        folder.upload(files[name])
    if missing := folder.missing(checksums):
        raise BucketError(f"{', '.join(missing)} was uploaded to {folder.address} and is not there: somebody deletes.")


def _plan(weights: Weights, folder: BucketFolder) -> None:
    _say(f"{'whole' if folder.is_whole() else 'not whole'}: {folder.address}")
    _say(f"to download: {_gb(hub.missing_bytes(weights.snapshot))} of {_gb(sum(weights.snapshot.sizes.values()))}")
    _say(f"in the bucket: {'about ' if weights.to else ''}{_gb(weights.size)}")
    _say(f"to store: {weights.size / 1e9 * _USD_PER_GB_MONTH:.2f} USD a month, at {_USD_PER_GB_MONTH} a GB")


def _existing(folder: Path) -> Path:
    """It, or the nearest folder around it that is there."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _gb(count: float) -> str:
    return f"{count / 1e9:.2f} GB"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.weights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bucket", help="gs://NAME: the output weights_url of terraform/bootstrap")
    parser.add_argument("--model", default="Qwen/Qwen2-Audio-7B-Instruct", help="id on the hub (default: %(default)s)")
    parser.add_argument("--revision", help="commit, branch or tag (default: the newest commit)")
    parser.add_argument("--to", choices=("int8", "int4"), help="bits of a weight (default: as they are)")
    parser.add_argument("--folder", help="in the bucket (default: made of model, commit and bits)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done, and what storing it costs")
    options = parser.parse_args(arguments)
    bucket, _, inner = options.bucket.removeprefix("gs://").strip("/").partition("/")
    if not bucket or inner:
        parser.error(
            "the bucket is gs://NAME alone, as `terraform -chdir=terraform/bootstrap output weights_url` has it"
        )
    try:
        weights = Weights(hub.find(options.model, options.revision), options.to)
        folder = BucketFolder(bucket, (options.folder or weights.name).strip("/"), weights.made_of)
        _say(f"{weights.made_of}, {len(weights.snapshot.sizes)} files")
        if options.dry_run:
            _plan(weights, folder)
            return 0
        upload(weights, folder)
    except (BucketError, WeightsError, ProgramError, hub.HubError) as error:
        _say(f"The bucket does not have the model. {error}")
        return 1
    except KeyboardInterrupt:
        _say("Stopped; the same command goes on from here.")
        return 130
    print(f'weights_folder = "{folder.name}"')
    return 0


if __name__ == "__main__":
    sys.exit(main())
