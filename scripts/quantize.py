"""Writes a copy of a Qwen2-Audio model with its language model in 8 or 4 bits, for a service that starts faster."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from kikitori.engines.qwen2_audio.assembly import check_weights
from kikitori.engines.qwen2_audio.loading import damage_told, find_weights, read_description
from kikitori.engines.qwen2_audio.quantization import CONFIG_KEY, Quantization, quantized
from kikitori.engines.qwen2_audio.source import Source, opened
from kikitori.engines.qwen2_audio.weights import Stored, stream
from kikitori.errors import StartupError
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor
from transformers import Qwen2AudioConfig

_SHARD_BYTES = 10**9
"""At least, of every file but the last. With the largest matrix of the 7B model, what this keeps in memory is 4 GB."""
_CONFIG = "config.json"
_INDEX = "model.safetensors.index.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the copy; the exit status is 0 when it is whole, 1 when it could not be made, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="the model: a folder, an id of the hub, or gs://bucket/folder")
    parser.add_argument("target", type=Path, help="folder to write, which is not there yet or empty")
    parser.add_argument("--to", choices=("int8", "int4"), required=True, help="bits of a weight")
    parser.add_argument("--revision", help="commit, branch or tag of the hub")
    parser.add_argument("--dry-run", action="store_true", help="only look whether it could be written")
    options = parser.parse_args(arguments)
    try:
        if options.dry_run:
            _look(options.source, options.revision, options.target)
            return 0
        with _whole_or_not_at_all(options.target) as folder:
            size = _convert(options.source, options.revision, folder, options.to)
    except (StartupError, OSError, SafetensorError) as error:
        print(f"quantize: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"quantize: {options.target} has the model in {options.to}, {size / 1e9:.2f} GB", file=sys.stderr)
    return 0


@contextmanager
def _whole_or_not_at_all(target: Path) -> Iterator[Path]:
    """A folder to fill, which takes the target's name at the end."""
    partial = target.absolute().with_name(f"{target.absolute().name}.partial")
    _check_free(target)
    partial.mkdir(parents=True, exist_ok=True)
    held = os.open(partial, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartupError(f"Another run is filling {partial}: wait for it, or name another folder.") from error
        _check_free(target)  # the other run may have ended just now
        try:
            for left in partial.iterdir():  # by a run that was killed
                left.unlink()
            yield partial
            partial.rename(target)
        except BaseException:
            shutil.rmtree(partial)
            raise
    finally:
        os.close(held)


def _check_free(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StartupError(f"{target} is there already. Delete it, or name a folder that is not there.")


def _look(model: str, revision: str | None, target: Path) -> None:
    """Say what would be done; on the hub only the small files are fetched."""
    _check_free(target)
    with opened(model, revision) as source, damage_told(model):
        _described(source, model)
        size = f"{sum(shard.size for shard in source.shards()) / 1e9:.2f} GB" if source.at_hand else "to be downloaded"
    print(f"quantize: {target} would be made of {model}, {size}. Nothing was written.", file=sys.stderr)


def _described(source: Source, model: str) -> dict[str, Any]:
    described = read_description(source, model)
    if CONFIG_KEY in described:
        raise StartupError(f"{model} is quantized already. Name the model that it was made of.")
    return described


def _convert(model: str, revision: str | None, folder: Path, to: Quantization) -> int:
    """Fill the folder; gives the bytes of its weights."""
    with opened(model, revision) as source:
        with damage_told(model):
            described = _described(source, model)
            weights = find_weights(source, model)
            check_weights(weights, Qwen2AudioConfig.from_pretrained(source.folder))
        for file in source.folder.iterdir():
            if file.suffix in (".json", ".txt", ".jinja") and file.name not in (_CONFIG, _INDEX):
                shutil.copyfile(file, folder / file.name)
        _write_json(folder / _CONFIG, described | {CONFIG_KEY: to})
        return _write_weights(weights, folder, to)


def _write_weights(weights: Sequence[Stored], folder: Path, to: Quantization) -> int:
    done, total = 0, sum(one.nbytes for one in weights)
    files: list[list[str]] = []
    size = 0
    shard: dict[str, Tensor] = {}
    for name, tensor in stream(weights, torch.device("cpu")):
        shard.update(quantized(name, tensor, to))
        done += tensor.nbytes
        waiting = sum(part.nbytes for part in shard.values())
        if waiting < _SHARD_BYTES and done < total:
            continue
        save_file(shard, folder / f"{len(files)}.safetensors", {"format": "pt"})
        files.append(list(shard))
        size += waiting
        shard.clear()
        print(f"quantize: {done / 1e9:.1f} of {total / 1e9:.1f} GB are done", file=sys.stderr)
    places: dict[str, str] = {}
    for number, names in enumerate(files):
        file = (folder / f"{number}.safetensors").rename(
            folder / f"model-{number + 1:05}-of-{len(files):05}.safetensors"
        )
        # It comes out readable by its owner only, which breaks a container that runs as somebody else.
        file.chmod(0o644)
        places |= dict.fromkeys(names, file.name)
    _write_json(folder / _INDEX, {"metadata": {"total_size": size}, "weight_map": places})
    return size


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
