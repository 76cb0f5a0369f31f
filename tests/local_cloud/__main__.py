"""`make cloud-api`: the stand-in by hand, with the environment by which Google's clients reach it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
from pathlib import Path

import uvicorn

from . import tokens
from .call import Project
from .errors import GoogleError
from .running import exports, opened, project_of
from .store import Json


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.local_cloud", description=__doc__)
    parser.add_argument("--port", type=int, default=8085)
    parser.add_argument("--state", type=Path, default=Path(".cache/local-cloud"), help="folder of the state")
    parser.add_argument("--project", default=Project.id)
    parser.add_argument("--number", default=Project.number)
    parser.add_argument("--billing-account", default=Project.billing_account)
    parser.add_argument("--new-project", action="store_true", help="no API is enabled but those of a new project")
    parser.add_argument("--issuer", nargs=2, action="append", default=[], metavar=("URL", "JWKS_FILE"))
    given = parser.parse_args()
    _check(parser, given)
    project = Project(given.project, given.number, given.billing_account)
    issuers = {url.rstrip("/"): _keys(parser, Path(file)) for url, file in given.issuer}
    url = f"http://127.0.0.1:{given.port}"
    try:
        listening = socket.create_server(("127.0.0.1", given.port))
    except OSError as error:
        parser.exit(
            1,
            f"Port {given.port} cannot be had ({os.strerror(error.errno or 0)}): choose another, as CLOUD_PORT=9000.\n",
        )
    enabled = not given.new_project
    with listening, opened(given.state, url, project, everything_enabled=enabled, issuers=issuers) as app:
        print(exports(url, given.state, project), end="")
        print(f"# The local cloud listens at {url}; Ctrl-C ends it, and {given.state} keeps its state.", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])


def _check(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what a state that is there already would not follow."""
    existing = project_of(given.state)
    if existing and given.new_project:
        parser.error(f"{given.state} has a project already: remove the folder, or give another with --state.")
    if existing not in (None, given.project):
        parser.error(f"{given.state} has the project {existing}: name it with --project, or give another --state.")


def _keys(parser: argparse.ArgumentParser, file: Path) -> Json:
    try:
        jwks: Json = json.loads(file.read_text(encoding="utf-8"))
        tokens.key_set(json.dumps(jwks))
    except (OSError, ValueError, GoogleError) as error:
        parser.error(f"--issuer {file}: {error}")
    return jwks


if __name__ == "__main__":
    main()
