"""A model on the hub at one commit: what it is made of, and a copy of it on this machine that is known to be right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import httpx2 as httpx
from huggingface_hub import HfApi, constants, errors, hf_hub_download, try_to_load_from_cache
from huggingface_hub.hf_api import RepoFile
from kikitori.engines.qwen2_audio.source import DESCRIPTION, WEIGHTS

_PATTERNS = [*DESCRIPTION, WEIGHTS]


class HubError(Exception):
    """The model cannot be had; the message says why, and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """A model as it was at a commit."""

    model: str
    commit: str
    sizes: dict[str, int]
    """Bytes of each file that a service reads."""


def find(model: str, revision: str | None) -> Snapshot:
    """Look a model up.

    Args:
        model: its id, OWNER/NAME.
        revision: a commit, branch or tag; None is the newest commit.

    Raises:
        HubError: it is not there, or not for whoever asks.
    """
    with _told(model, revision):
        api = HfApi()
        api.auth_check(model)  # a gated model's files can be listed by everybody
        commit = api.model_info(model, revision=revision).sha
        tree = api.list_repo_tree(model, recursive=True, revision=commit)
        files = [entry for entry in tree if isinstance(entry, RepoFile) and _is_read(entry.path)]
    if not any(fnmatch(file.path, WEIGHTS) for file in files):
        raise HubError(f"{model} has no {WEIGHTS} at {commit}, which is what a service loads. Name another model.")
    return Snapshot(model, commit, {file.path: file.size for file in files})


def missing_bytes(snapshot: Snapshot) -> int:
    """What a download would still fetch."""
    where = {"repo_id": snapshot.model, "revision": snapshot.commit}
    return sum(
        size
        for name, size in snapshot.sizes.items()
        if not isinstance(try_to_load_from_cache(filename=name, **where), str)
    )


def fetch(snapshot: Snapshot) -> Path:
    """Download what is missing into the hub's cache, and compare everything with the hub's hashes; gives the folder.

    Files that are here whole are not downloaded again; a connection that ends is taken up within the file. They come
    by one: the library keeps no part of a file when it is stopped, and stops no thread before its file is whole.

    Raises:
        HubError: it cannot be downloaded, or what was downloaded is not what the hub has.
    """
    with _told(snapshot.model, snapshot.commit):
        for name in snapshot.sizes:
            folder = Path(hf_hub_download(snapshot.model, name, revision=snapshot.commit)).parent
        checked = HfApi().verify_repo_checksums(snapshot.model, revision=snapshot.commit)
    damaged = [mismatch["path"] for mismatch in checked.mismatches]
    for name in damaged:
        # Both the name and the content that it links to: what stays is taken for whole the next time.
        (folder / name).resolve().unlink()
        (folder / name).unlink(missing_ok=True)
    if damaged:
        raise HubError(
            f"{', '.join(damaged)} on this machine had not the hash that the hub names, so it was deleted. "
            "The same command downloads it again."
        )
    if missing := snapshot.sizes.keys() & set(checked.missing_paths):
        raise HubError(f"{', '.join(sorted(missing))} was not downloaded. Give the same command again.")
    return folder


def cache() -> Path:
    """Where downloads are kept; not there before the first."""
    return Path(constants.HF_HUB_CACHE)


def _is_read(name: str) -> bool:
    # Only what lies at the top: that is where a service looks.
    return "/" not in name and any(fnmatch(name, pattern) for pattern in _PATTERNS)


@contextmanager
def _told(model: str, revision: str | None) -> Iterator[None]:
    """Turn what the hub's library raises into one clear word."""
    where = f"{model} at revision {revision}" if revision else model
    try:
        yield
    except errors.HFValidationError as error:
        raise HubError(f"{model!r} is no id of the hub, which is OWNER/NAME.") from error
    except errors.GatedRepoError as error:
        raise HubError(
            f"{model} is gated: accept its terms at {constants.ENDPOINT}/{model}, and set HF_TOKEN to a token of the "
            "account that did."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"The hub has no {where}. Name a commit, branch or tag that exists.") from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"The hub has no {model}, or it is private: check the name, and set HF_TOKEN to a token that may read it."
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        advice = "HF_TOKEN is not valid: make a new one" if status == 401 else "Give the same command again, later"
        raise HubError(f"The hub answered {status} for {where}. {advice}.") from error
    except (errors.LocalEntryNotFoundError, httpx.TransportError, OSError, ValueError, RuntimeError) as error:
        # A ValueError is an answer that is not the hub's, a RuntimeError what its own downloader ends with.
        raise HubError(
            f"{where} could not be downloaded ({error}). The same command goes on where this one was."
        ) from error
