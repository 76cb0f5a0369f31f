"""A text in Secret Manager that several people change: each change is made on what the one before it left.

Secret Manager adds a version without asking which one it follows. So whoever writes first notes the number of the
version to come on the secret itself, where its etag lets one of several through; the others wait for that version.
Versions of those who did not wait, by hand or having been taken for dead, are found out once ours lies over them. The
next one mends that; whoever is killed before it has said which version is missing, since the next run cannot know.
https://cloud.google.com/secret-manager/docs/etags
"""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError

from scripts.google import get, patch, post, reason

_COMING = "version-to-come"
_PAUSE_S = 0.5
_PATIENCE_S = 30.0
"""After which whoever noted a version and did not add it is taken for dead."""
_CHANGED_MEANWHILE = (400, 409, 412)
"""What an etag that is not the current one may be answered with."""


class SecretError(Exception):
    """The secret was not read or changed; the message says why, and what to do."""


@dataclass(frozen=True)
class Secret:
    """By its full name, projects/PROJECT/secrets/NAME. Methods raise SecretError."""

    name: str

    def read(self) -> str:
        """The newest text, "" where there is none yet."""
        with self._told():
            return self._text(self._newest())

    def change(self, to: Callable[[str], str]) -> int:
        """Replace the text by what is made of it; gives the number of its version, for `put_away`.

        Args:
            to: makes the new text of the newest; may be asked again with a newer one. What it raises leaves the text
                as it was, or as somebody else made it meanwhile.
        """
        with self._told():
            base = self._claim(to)
            text, expected = to(self._text(base)), base + 1
            theirs, refusal = 0, None
            while (added := self._add(text)) != expected:
                theirs, expected, refusal = added - 1, added + 1, None
                _say(
                    f"Version {theirs} is somebody else's, and version {added} lacks what it changed. The next one "
                    f"mends that. If none is told of here, add version {theirs} again: docs/operations.md, Access keys"
                )
                text = self._text(theirs)
                try:
                    text = to(text)
                except Exception as error:  # theirs has to come back all the same
                    refusal = error
            if theirs:
                _say(f"Version {added} has what version {theirs} changed")
            if refusal:
                raise refusal
            return added

    def put_away(self, before: int) -> None:
        """Destroy older versions where the secret keeps those for a while; disable them where it does not.

        Args:
            before: the first that stays: the own one, since whoever laid another over it is about to read it.
        """
        with self._told():
            delayed = "versionDestroyTtl" in get("secretmanager", f"v1/{self.name}")
            verb = "destroy" if delayed else "disable"
            for version in self._versions():
                gone = version["state"] == "DESTROYED" or "scheduledDestroyTime" in version
                if _number(version) < before and not gone and (delayed or version["state"] == "ENABLED"):
                    post("secretmanager", f"v1/{self.name}/versions/{_number(version)}:{verb}", {})

    def _claim(self, to: Callable[[str], str]) -> int:
        """Note the version to come; gives the number of the one before it."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            secret = get("secretmanager", f"v1/{self.name}")
            newest = self._newest()
            notes = secret.get("annotations", {})
            noted = notes.get(_COMING, "")  # which anybody may have edited
            if noted.isdecimal() and int(noted) > newest and time.monotonic() < deadline:
                _say("Somebody else is changing it; waiting for that")
                time.sleep(_PAUSE_S)
                continue
            to(self._text(newest))  # what cannot be done is not announced either
            body = {"etag": secret["etag"], "annotations": {**notes, _COMING: str(newest + 1)}}
            try:
                patch("secretmanager", f"v1/{self.name}", body, updateMask="annotations")
            except requests.HTTPError as error:
                if error.response.status_code not in _CHANGED_MEANWHILE or time.monotonic() > deadline:
                    raise
                continue
            return newest

    def _versions(self) -> Iterator[dict[str, Any]]:
        token = None
        while True:
            page = get("secretmanager", f"v1/{self.name}/versions", pageToken=token)
            yield from page.get("versions", [])
            if not (token := page.get("nextPageToken")):
                return

    def _newest(self) -> int:
        newest = max(self._versions(), key=_number, default=None)
        if not newest:
            return 0
        if newest["state"] != "ENABLED":  # those before it may have the key that it was shut for
            raise self._unusable(_number(newest), f"{newest['state'].lower()}, and no instance starts with it")
        return _number(newest)

    def _text(self, number: int) -> str:
        if not number:
            return ""
        answer = get("secretmanager", f"v1/{self.name}/versions/{number}:access")
        try:
            return base64.b64decode(answer["payload"]["data"]).decode()
        except UnicodeDecodeError as error:
            raise self._unusable(number, "no text in UTF-8") from error

    def _unusable(self, number: int, what: str) -> SecretError:
        _, project, _, name = self.name.split("/")
        return SecretError(
            f"Version {number} of {self.name} is {what}. A disabled one can be enabled, and the key that nobody shall "
            f"use revoked at once: gcloud secrets versions enable {number} --secret={name} --project={project}. Else "
            "add a version with a key that nobody knows, and then keys with --add: openssl rand -hex 24 | "
            f"gcloud secrets versions add {name} --project={project} --data-file=-"
        )

    def _add(self, text: str) -> int:
        data = base64.b64encode(text.encode()).decode()
        return _number(post("secretmanager", f"v1/{self.name}:addVersion", {"payload": {"data": data}}))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except GoogleAuthError as error:
            raise SecretError(f"Not signed in ({error}): gcloud auth application-default login") from error
        except requests.HTTPError as error:
            raise SecretError(f"{self.name}: {_advice(error.response)}") from error
        except requests.RequestException as error:
            raise SecretError(f"Secret Manager cannot be reached ({error}). Give the same command again.") from error


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _number(version: dict[str, Any]) -> int:
    return int(version["name"].rpartition("/")[2])


def _advice(response: requests.Response) -> str:
    said = reason(response) or response.reason  # what stands before Google answers in other forms
    if response.status_code == 401:
        return f"not signed in ({said}): gcloud auth application-default login"
    if response.status_code == 404:
        return "there is no such secret. terraform/bootstrap makes it; --project and --secret say which one is meant."
    if response.status_code == 403:
        return f"not allowed ({said}). It takes roles/secretmanager.admin on the secret."
    return f"{response.status_code} {said}. Give the same command again; Without --add and --revoke it lists the keys."
