"""Deploys an image and the page, and takes both back when what was deployed does not work.

The image becomes a revision that gets no traffic and is tried there; then it gets the traffic, the built page is
deployed, and both are tried from outside. Where any of that fails, the revision that served before gets the traffic
again, and the page that was served before is served again. Done twice, nothing changes the second time but the page's
version.

Runs Terraform in terraform/app, whose variables stand in *.tfvars there (or in BOOTSTRAP_TFVARS and APP_TFVARS), and
firebase-tools; calls Google with the application's default credentials, and the service with the key in
KIKITORI_API_KEY. The exit status is 0 when the deployment works, 1 when it was taken back, 2 when nothing was begun, 3
when it could not be taken back: then the last line says what to do.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError

from scripts.app import App, is_digest
from scripts.hosting import deployed_config, write_site
from scripts.programs import ProgramError
from scripts.service import Revision, Service
from scripts.site import Release, Site
from scripts.smoke import SmokeError, try_page, try_service

_FAILURES = (SmokeError, ProgramError, requests.RequestException, GoogleAuthError)


class DeployError(Exception):
    """The deployment does not work; the message says why, and what was done about it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Before:
    """What was served."""

    revision: Revision
    page: Release | None


def deploy(app: App, image: str) -> None:
    """Try an image, then serve it and the page; take back what does not work.

    Args:
        app: begun.
        image: by digest.

    Raises:
        DeployError: it does not work.
    """
    before = _before(app)
    try:
        if before:
            _say(f"The image becomes a revision without traffic; {before.revision.name} goes on serving")
            app.apply(image, serving=before.revision.name)
            outputs = app.outputs()
            _try(outputs["newest_url"], outputs["page_url"])
        _say("The image gets all traffic")
        app.apply(image)
        outputs = app.outputs()
        _say("The page is deployed")
        _deploy_page(outputs)
        _say("Page and service are tried from outside")
        try_page(outputs["page_url"], service=outputs["url"], say=_say_done)
        _try(outputs["url"], outputs["page_url"])
    except _FAILURES as error:
        _say(f"It does not work: {error}")
        _take_back(app, image, before, error)


def _before(app: App) -> _Before | None:
    outputs = app.outputs()
    revision = Service(outputs["service"]).serving() if "service" in outputs else None
    return _Before(revision, next(iter(_site(outputs).releases()), None)) if revision else None


def _deploy_page(outputs: dict[str, Any]) -> None:
    config = deployed_config(outputs["page_config"], outputs["environment"])
    with tempfile.TemporaryDirectory() as folder:
        write_site(Path(folder), outputs["site_id"], config)
        _site(outputs).deploy(Path(folder), outputs["revision"])


def _take_back(app: App, image: str, before: _Before | None, why: Exception) -> None:
    if before is None:
        raise DeployError(f"{why}\nNothing was served before, so nothing comes back.", 1) from why
    _say("What was served before comes back")
    try:
        # The revision itself, not its image anew: the settings may be what does not work.
        app.apply(image, serving=before.revision.name)
        site = _site(app.outputs())
        if before.page and site.releases()[0].version != before.page.version:
            site.release(before.page)
    except _FAILURES as error:
        page = f" PAGE={before.page.version}" if before.page else " ONLY=service"
        raise DeployError(
            f"{why}\nAnd what was served before did not come back: {error}\n"
            f"Mend that, then: make rollback REVISION={before.revision.name}{page}",
            3,
        ) from error
    served = f"{before.revision.name} ({before.revision.image})"
    raise DeployError(f"{why}\nWhat was served before is served again: {served}", 1) from why


def _site(outputs: dict[str, Any]) -> Site:
    return Site(outputs["project_id"], outputs["site_id"])


def _try(url: str, page: str) -> None:
    try_service(url, key=os.environ.get("KIKITORI_API_KEY", "").strip(), page=page, say=_say_done)


def _say(line: str) -> None:
    print(line, flush=True)


def _say_done(line: str) -> None:
    _say(f"  {line}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--image", required=True, help="the image by digest: ...@sha256:...")
    parser.add_argument("--state", required=True, metavar="BUCKET", help="bucket of Terraform's state")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    options = parser.parse_args(arguments)
    if not is_digest(options.image):
        parser.error("--image must end in @sha256: and 64 hexadecimal digits; a tag may mean another image tomorrow")
    app = App(options.state)
    try:
        app.begin()
        if options.dry_run:
            app.plan(options.image)
        else:
            deploy(app, options.image)
    except DeployError as error:
        print(error, file=sys.stderr)
        return error.status
    except _FAILURES as error:
        print(f"Nothing was deployed. {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
