"""Where a model comes from: a folder, Google Cloud Storage, or the hub."""

from __future__ import annotations

import tempfile
from fnmatch import fnmatch
from pathlib import Path

from kikitori.errors import StartupError

_DESCRIPTION = ["*.json", "*.txt", "*.jinja"]
_WEIGHTS = ["*.safetensors"]


def fetch(model: str, revision: str | None, weights: bool) -> Path:
    """The folder with the model, downloaded first where it is not on this machine.

    Without `weights` only the small files: enough to refuse a model before its gigabytes are on the way.

    Raises:
        StartupError: it is not there, or may not be read; the message says what to do.
    """
    if model.startswith("gs://"):
        return _from_storage(model, _files(weights))
    if Path(model).is_dir():
        if revision:
            raise StartupError("KIKITORI_MODEL_REVISION names a commit of the hub; KIKITORI_MODEL is a folder here.")
        return Path(model)
    if model.startswith(("/", ".", "~")) or model.count("/") > 1:
        raise StartupError(f"KIKITORI_MODEL: there is no folder {model!r}.")
    return _from_hub(model, revision, _files(weights))


def _files(weights: bool) -> list[str]:
    return _DESCRIPTION + _WEIGHTS if weights else _DESCRIPTION


def _from_hub(model: str, revision: str | None, files: list[str]) -> Path:
    from huggingface_hub import errors, snapshot_download

    where = f"{model} at revision {revision}" if revision else model
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=files))
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


def _from_storage(model: str, patterns: list[str]) -> Path:
    from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound, Unauthorized
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import storage
    from google.cloud.storage import transfer_manager

    name, _, prefix = model.removeprefix("gs://").partition("/")
    prefix = prefix.rstrip("/") + "/" if prefix else ""
    folder = Path(tempfile.mkdtemp(prefix="kikitori-model-"))
    try:
        bucket = storage.Client().bucket(name)
        blobs = [blob.name for blob in bucket.list_blobs(prefix=prefix) if "/" not in blob.name[len(prefix) :]]
        names = [blob.removeprefix(prefix) for blob in blobs]
        files = [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
        if not files:
            raise StartupError(f"KIKITORI_MODEL: there are no files at {model}.")
        results = transfer_manager.download_many_to_path(
            bucket, files, destination_directory=str(folder), blob_name_prefix=prefix, worker_type="thread"
        )
        for result in results:
            if isinstance(result, Exception):
                raise result
    except (Forbidden, Unauthorized, GoogleAuthError) as error:
        raise StartupError(
            f"{model} may not be read ({error}). Give this service's account roles/storage.objectViewer on the bucket."
        ) from error
    except NotFound as error:
        raise StartupError(f"KIKITORI_MODEL: there is no bucket {name!r}.") from error
    except (GoogleAPICallError, OSError) as error:
        raise StartupError(f"{model} could not be downloaded ({error}). Check the network and try again.") from error
    return folder
