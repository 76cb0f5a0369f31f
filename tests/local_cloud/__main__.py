"""`make cloud-api`: the stand-in by hand, with the environment by which Google's clients reach it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import uvicorn

from .call import Project
from .running import environment, opened, signed_in


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
    project = Project(given.project, given.number, given.billing_account)
    issuers = {url.rstrip("/"): json.loads(Path(file).read_text(encoding="utf-8")) for url, file in given.issuer}
    url = f"http://127.0.0.1:{given.port}"
    with opened(given.state, url, project, everything_enabled=not given.new_project, issuers=issuers) as app:
        for name, value in (environment(url, given.state, project) | signed_in(url, given.state, project)).items():
            print(f"export {name}={value}")
        print(f"# The local cloud listens at {url}; Ctrl-C ends it, and {given.state} keeps its state.", flush=True)
        uvicorn.run(app, port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
