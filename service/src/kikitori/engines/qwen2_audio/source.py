"""Where a model comes from: a folder, Google Cloud Storage, or the hub."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from kikitori.errors import StartupError

READERS = 16
"""Threads that read weights at once, each on a connection of its own."""
DESCRIPTION = ["*.json", "*.txt", "*.jinja"]
WEIGHTS = "*.safetensors"
"""With DESCRIPTION, the files of a model that are read; whatever else lies beside them is not."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of weights; `read(start, places)` fills the places in turn with its bytes from `start` on.

    Reading may be called from several threads. It raises OSError or StartupError where there are no such bytes.
    """

    name: str
    size: int
    read: Callable[[int, Sequence[memoryview]], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A model that is there."""

    folder: Path
    """Has the small files: enough to refuse a model before its gigabytes are on the way."""
    shards: Callable[[], list[Shard]]
    """Finds the weights; on the hub this downloads them."""
    at_hand: bool = True
    """Whether finding them is a matter of a moment."""


@contextmanager
def opened(model: str, revision: str | None) -> Iterator[Source]:
    """The model of a hub id, folder, or gs:// address.

    Raises:
        StartupError: it is not there, or may not be read; the message says what to do.
    """
    if model.startswith("gs://"):
        with tempfile.TemporaryDirectory(prefix="kikitori-") as folder:
            yield _in_storage(model, Path(folder))
    elif Path(model).is_dir():
        if revision:
            raise StartupError("KIKITORI_MODEL_REVISION names a commit of the hub; KIKITORI_MODEL is a folder here.")
        yield Source(Path(model), lambda: _shards_in(Path(model)))
    elif model.startswith(("/", ".", "~")) or model.count("/") > 1:
        raise StartupError(f"KIKITORI_MODEL: there is no folder {model!r}.")
    else:
        yield Source(
            _from_hub(model, revision, DESCRIPTION),
            lambda: _shards_in(_from_hub(model, revision, [WEIGHTS])),
            at_hand=False,
        )


def _shards_in(folder: Path) -> list[Shard]:
    return [Shard(str(file), file.stat().st_size, partial(_read_file, file)) for file in sorted(folder.glob(WEIGHTS))]


def _read_file(file: Path, start: int, places: Sequence[memoryview]) -> None:
    with file.open("rb", buffering=0) as stream:
        stream.seek(start)
        for place in places:
            while place:
                count = stream.readinto(place)
                if not count:
                    raise OSError(f"{file} has become shorter")
                place = place[count:]


def _from_hub(model: str, revision: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import errors, snapshot_download

    where = f"{model} at revision {revision}" if revision else model
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=patterns))
    except errors.HFValidationError as error:
        raise StartupError(f"KIKITORI_MODEL: {model!r} is neither a folder nor an id of the hub.") from error
    except errors.GatedRepoError as error:
        raise StartupError(f"{where} is gated: accept its terms on the hub and set HF_TOKEN.") from error
    except errors.RevisionNotFoundError as error:
        raise StartupError(f"The hub has no {where}. Set KIKITORI_MODEL_REVISION to a commit that exists.") from error
    except errors.RepositoryNotFoundError as error:
        raise StartupError(f"The hub has no {where}, or it is private: check KIKITORI_MODEL and HF_TOKEN.") from error
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, OSError) as error:
        raise StartupError(
            f"{where} could not be downloaded ({type(error).__name__}: the hub cannot be reached, or refused). "
            "Check the network and HF_TOKEN, or set KIKITORI_MODEL to a folder or a gs:// address that has the model."
        ) from error


def _in_storage(model: str, folder: Path) -> Source:
    """Downloads the small files into the folder; the weights are never on a disk, which is memory on Cloud Run."""
    from google.cloud import storage
    from google.cloud.storage import transfer_manager
    from requests.adapters import HTTPAdapter

    bucket_name, _, prefix = model.removeprefix("gs://").partition("/")
    prefix = prefix.rstrip("/") + "/" if prefix else ""
    with _storage_told(model):
        client = storage.Client()
        # As its maintainers advise: otherwise it keeps ten connections and opens the rest anew for each request.
        client._http.mount("https://", HTTPAdapter(pool_maxsize=READERS))
        listed = client.bucket(bucket_name).list_blobs(prefix=prefix, delimiter="/")
        blobs = {blob.name.removeprefix(prefix): blob for blob in listed}
        files = [name for name in blobs if any(fnmatch(name, pattern) for pattern in DESCRIPTION)]
        if not files:
            raise StartupError(f"KIKITORI_MODEL: there are no files at {model}.")
        downloads = [(blobs[name], str(folder / name)) for name in files]
        for result in transfer_manager.download_many(downloads, worker_type="thread"):
            if isinstance(result, Exception):
                raise result
    shards = [
        Shard(f"{model.rstrip('/')}/{name}", blob.size, partial(_read_blob, model, blob))
        for name, blob in sorted(blobs.items())
        if fnmatch(name, WEIGHTS)
    ]
    return Source(folder, lambda: shards)


def _read_blob(model: str, blob: Any, start: int, places: Sequence[memoryview]) -> None:
    sink = _Sink(places)
    with _storage_told(model):
        # In one piece: the library would write in steps of 8 KiB. It tries again by itself, and it asks for the
        # generation that was listed, so an object that is replaced meanwhile is not mixed with its successor.
        blob.download_to_file(
            sink, start=start, end=start + sink.room - 1, raw_download=True, checksum=None, single_shot_download=True
        )
    if sink.room:
        raise OSError(f"{blob.name} has become shorter")


class _Sink:
    """What Cloud Storage's library writes to: places, filled in turn."""

    def __init__(self, places: Sequence[memoryview]) -> None:
        self._places = list(places)

    @property
    def room(self) -> int:
        """Bytes that are still missing."""
        return sum(map(len, self._places))

    def write(self, data: bytes) -> None:
        if len(data) > self.room:
            raise OSError("it sent more than it was asked for")
        rest = memoryview(data)
        while rest:
            place = self._places[0]
            count = min(len(place), len(rest))
            place[:count] = rest[:count]
            rest = rest[count:]
            self._places[0] = place[count:]
            if not self._places[0]:
                del self._places[0]


@contextmanager
def _storage_told(model: str) -> Iterator[None]:
    """Turn what Cloud Storage's library raises into one clear word."""
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, Unauthorized
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (Forbidden, Unauthorized, GoogleAuthError) as error:
        raise StartupError(
            f"{model} may not be read ({error}). Give this service's account roles/storage.objectViewer on the bucket."
        ) from error
    except NotFound as error:
        bucket = model.split("/")[2]
        raise StartupError(f"KIKITORI_MODEL: there is no bucket {bucket!r}, or its files are gone.") from error
    except (GoogleAPIError, OSError) as error:
        raise StartupError(f"{model} could not be downloaded ({error}). Check the network and try again.") from error
