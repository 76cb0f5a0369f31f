"""A folder of a bucket that gets a model's files: each once, compared by its checksum, and none is ever replaced."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import google.auth
import google_crc32c
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, PreconditionFailed, Unauthorized
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from tqdm import tqdm

_SCOPES = ("https://www.googleapis.com/auth/devstorage.read_write",)
_PIECE_BYTES = 64 << 20
"""What is sent again where a connection ends: a multiple of 256 KiB, as resumable uploads demand."""
LAST = "config.json"
"""Without it no service takes the folder for a model, so it says that everything else is there."""
_MADE_OF = "kikitori-made-of"


class BucketError(Exception):
    """The folder cannot be filled; the message says why, and what to do."""


@dataclass(frozen=True)
class BucketFolder:
    """The address is gs://BUCKET/NAME. Methods raise BucketError."""

    bucket: str
    name: str
    made_of: str
    """What the model is, in words that differ where models do; kept with the file that is written last."""

    @property
    def address(self) -> str:
        """As a service is told it."""
        return f"gs://{self.bucket}/{self.name}"

    def is_whole(self) -> bool:
        """Whether it has this very model already.

        Raises:
            BucketError: it has another one.
        """
        last = self._there().get(LAST)
        made_of = (last.metadata or {}).get(_MADE_OF) if last else None
        if last and made_of != self.made_of:
            raise BucketError(
                f"{self.address} holds {made_of or 'a model that was not uploaded by this command'}, and a model that "
                "may be in use is never changed. Name another folder."
            )
        return last is not None

    def missing(self, files: Mapping[str, str]) -> list[str]:
        """Which files are still to be uploaded, the one last that makes the others a model.

        Args:
            files: the CRC32C of each by its name, see `crc32c`.
        """
        there = self._there()
        if differing := [name for name, blob in there.items() if files.get(name) != blob.crc32c]:
            raise BucketError(
                f"{self.address} holds files that are not of this model: {', '.join(sorted(differing))}. Name another "
                "folder, or delete them."
            )
        return sorted(files.keys() - there.keys(), key=lambda name: (name == LAST, name))

    def check_writable(self) -> None:
        """Begin an upload, and leave it: that needs the right to write, and makes no object."""
        with self._told():
            self._blob(LAST).create_resumable_upload_session(size=1, if_generation_match=0)

    def upload(self, file: Path) -> None:
        """Write a file, in pieces that are sent again by themselves; Cloud Storage's checksum is compared with ours."""
        with (
            self._told(),
            file.open("rb") as stream,
            tqdm.wrapattr(stream, "read", total=file.stat().st_size, desc=file.name, delay=2) as told,
        ):
            blob = self._blob(file.name)
            blob.chunk_size = _PIECE_BYTES
            blob.metadata = {_MADE_OF: self.made_of} if file.name == LAST else None
            blob.upload_from_file(told, size=file.stat().st_size, checksum="crc32c", if_generation_match=0)

    def _there(self) -> dict[str, Any]:
        with self._told():
            listed = self._client.list_blobs(self.bucket, prefix=f"{self.name}/", delimiter="/")
            return {blob.name.removeprefix(f"{self.name}/"): blob for blob in listed}

    def _blob(self, name: str) -> Any:
        return self._client.bucket(self.bucket).blob(f"{self.name}/{name}")

    @cached_property
    def _client(self) -> Any:
        credentials, _ = google.auth.default(scopes=_SCOPES)
        return storage.Client(project=None, credentials=credentials)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what Cloud Storage's library raises into one clear word."""
        try:
            yield
        except GoogleAuthError as error:
            raise BucketError(f"Not signed in ({error}): gcloud auth application-default login") from error
        except (Forbidden, Unauthorized) as error:
            raise BucketError(
                f"gs://{self.bucket} may not be written ({error.message}). Name this account in weights_writers of "
                "terraform/bootstrap, and apply it."
            ) from error
        except NotFound as error:
            raise BucketError(
                f"There is no bucket {self.bucket!r}. terraform/bootstrap makes one: its output weights_url."
            ) from error
        except PreconditionFailed as error:
            raise BucketError(f"Somebody else fills {self.address} as well. Let one of the two end first.") from error
        except DataCorruption as error:
            raise BucketError(
                f"A file arrived damaged and was deleted there: give the same command again. {error}"
            ) from error
        except (GoogleAPIError, OSError) as error:
            raise BucketError(
                f"{self.address} could not be reached ({error}). The same command goes on from here."
            ) from error


def crc32c(file: Path) -> str:
    """A file's checksum, as Cloud Storage names it."""
    checksum = google_crc32c.Checksum()
    with (
        file.open("rb") as stream,
        tqdm(total=file.stat().st_size, desc=f"Checking {file.name}", unit="B", unit_scale=True, delay=2) as told,
    ):
        while piece := stream.read(1 << 20):
            checksum.update(piece)
            told.update(len(piece))
    return base64.b64encode(checksum.digest()).decode()
