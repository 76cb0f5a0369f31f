"""Lists, adds and revokes the access keys of the service, each with a name.

A key is shown once, when it is made. What is kept, in Secret Manager, is its SHA-256 with its name and day, which is
what the service compares with. Two people may do this at the same time. The version before a change is put away, and
can be brought back for a week.

An instance reads the keys as it starts. --restart makes a revision, whose instances start with the new ones, and waits
until it serves. That costs a cold start; without it, an instance that runs goes on with what it knows.

Calls Google with the application's default credentials. Only the new key is printed on standard output. The exit status
is 0 when it was done, 1 when it was not (the last line says why), 2 when the command is wrong, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import requests
from google.auth.exceptions import GoogleAuthError

from scripts.secret import Secret, SecretError
from scripts.service import Service, ServiceError

_PREFIX = "kikitori_"
"""Of every key, by which people and scanners of leaked secrets know what it is."""
_BYTES = 24
_SHOWN = 8
"""Digits of the digest by which a key is told from others; they help nobody to guess it."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_HASHED = re.compile(r"sha256:([0-9a-fA-F]{64})(?: (.+?)(?: (\d{4}-\d\d-\d\d))?)?")
_SHORTEST = 16
"""Characters of a key; the service does not start with a shorter one."""


class KeysError(Exception):
    """What was asked for cannot be done; the message says why."""


@dataclass(frozen=True)
class Key:
    """A key as it is kept."""

    digest: str
    """SHA-256 in hexadecimal."""
    name: str = ""
    """Or whatever note somebody wrote behind the digest."""
    made: str = ""
    """The day, in UTC."""

    @classmethod
    def parse(cls, stored: str) -> Key:
        """One of the parts between the commas; a key that was stored as it is becomes its digest.

        Raises:
            KeysError: the service would not start with it.
        """
        if found := _HASHED.fullmatch(stored):
            return cls(found[1].lower(), found[2] or "", found[3] or "")
        if stored.startswith("sha256:") or len(stored) < _SHORTEST:
            raise KeysError(
                "An entry of the secret is neither sha256:, 64 hexadecimal digits and, after a space, a note without "
                f"commas, nor a key of at least {_SHORTEST} characters. The service does not start with it. Add a "
                "version in which it is right: gcloud secrets versions add"
            )
        return cls(hashlib.sha256(stored.encode()).hexdigest())

    def __str__(self) -> str:
        return " ".join(filter(None, (f"sha256:{self.digest}", self.name, self.made)))

    def is_meant(self, by: str) -> bool:
        """Whether somebody means it by its name, or by the beginning of its digest."""
        return by == self.name or (len(by) >= _SHOWN and self.digest.startswith(by.lower()))


def parse(text: str) -> list[Key]:
    """The keys in a text of Secret Manager.

    Raises:
        KeysError: an entry is none.
    """
    return [Key.parse(part.strip()) for part in text.split(",") if part.strip()]


def with_key(added: Key, text: str) -> str:
    """The text with a key more.

    Raises:
        KeysError: the name is taken, or the text is not understood.
    """
    keys = parse(text)
    if any(key.name == added.name for key in keys):
        raise KeysError(f"There is a key {added.name!r} already. Revoke it first, or take another name.")
    return ",".join(map(str, [*keys, added]))


def without_key(meant: str, text: str) -> str:
    """The text without a key.

    Raises:
        KeysError: it means none, or several, or the last one, or the text is not understood.
    """
    keys = parse(text)
    going = [key for key in keys if key.is_meant(meant)]
    if len(going) != 1:
        known = ", ".join(f"{key.name} {key.digest[:_SHOWN]}".lstrip() for key in going or keys)
        raise KeysError(f"{meant!r} means {'several keys' if going else 'no key'}; there are: {known}")
    if len(keys) == 1:
        raise KeysError(
            f"{meant!r} is the only key, and without any the service does not start. Add another one first."
        )
    return ",".join(str(key) for key in keys if key not in going)


def _list(secret: Secret) -> None:
    keys = parse(secret.read())
    width = max([4, *(len(key.name) for key in keys)])
    _say(f"{'name':{width}}  {'made':10}  sha256" if keys else "There is no key yet.")
    for key in keys:
        print(f"{key.name or '-':{width}}  {key.made or '-':10}  {key.digest[:_SHOWN]}")


def _add(secret: Secret, name: str, *, dry_run: bool) -> None:
    value = _PREFIX + secrets.token_urlsafe(_BYTES)
    key = Key(hashlib.sha256(value.encode()).hexdigest(), name, f"{datetime.now(UTC):%Y-%m-%d}")
    if dry_run:
        with_key(key, secret.read())
        _say(f"A key {name!r} would be added")
        return
    version = secret.change(partial(with_key, key))
    _say(f"The key {name!r}. It is shown this once:")
    print(value, flush=True)
    _put_away(secret, version)


def _revoke(secret: Secret, meant: str, *, dry_run: bool) -> None:
    change = partial(without_key, meant)
    if dry_run:
        change(secret.read())
        _say(f"The key {meant!r} would be revoked")
        return
    version = secret.change(change)
    _say(f"The key {meant!r} is revoked")
    _put_away(secret, version)


def _put_away(secret: Secret, before: int) -> None:
    try:
        secret.put_away(before)
    except SecretError as error:
        _say(f"Versions from before this change stay readable, until the next change: {error}")


def _start_anew(service: str | None) -> None:
    if service:
        _say("A new revision starts, which takes as long as a cold start")
        try:
            Service(service).start_anew()
        except (ServiceError, requests.RequestException, GoogleAuthError) as error:
            raise KeysError(f"The keys are changed, and the service did not start anew: {error}") from error
        _say("It serves, with the keys as they are now")
    else:
        _say(
            "Instances that start from now on know it. One that runs does not: it ends about 15 minutes after its last "
            "request, or at once with --restart."
        )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.keys", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", required=True, help="id of the project")
    parser.add_argument("--secret", default="kikitori-api-keys", help="in that project (default: %(default)s)")
    parser.add_argument(
        "--restart",
        metavar="SERVICE",
        help="let this service start anew after a change: the output `service` of terraform/app",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--add", metavar="NAME", help="make a key, of a person or a program")
    what.add_argument("--revoke", metavar="NAME", help=f"by its name, or by {_SHOWN} digits of its digest")
    options = parser.parse_args(arguments)
    if not options.project:
        parser.error("--project must name the project of Google Cloud")
    if options.add is not None and not _NAME.fullmatch(options.add):
        parser.error("a name takes letters, digits and . _ @ -, at most 64, and starts with a letter or a digit")
    if options.revoke == "":
        parser.error("--revoke must name a key; those without a name go by their digest")
    secret = Secret(f"projects/{options.project}/secrets/{options.secret}")
    try:
        if options.add is not None:
            _add(secret, options.add, dry_run=options.dry_run)
        elif options.revoke is not None:
            _revoke(secret, options.revoke, dry_run=options.dry_run)
        else:
            _list(secret)
            return 0
        if not options.dry_run:
            _start_anew(options.restart)
    except (KeysError, SecretError) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say(
            "Stopped. Without --add and --revoke it lists the keys that there are; one that was not shown is of no use."
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
