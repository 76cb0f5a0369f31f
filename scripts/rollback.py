"""Serves an earlier revision and an earlier page again, at once: nothing is built, started anew or uploaded.

Which ones, unless they are named: those that were served when the newest page was deployed. So to run it twice changes
nothing the second time. Terraform shifts the traffic, so that its state stays true; the next deploy shifts it to what
it deploys. The exit status is 0 when they are served, 1 when something failed, 2 when there is nothing earlier or the
command is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import requests
from google.auth.exceptions import GoogleAuthError

from scripts.app import App
from scripts.programs import ProgramError
from scripts.service import Service
from scripts.site import Release, Site


def earlier(releases: Sequence[Release]) -> Release | None:
    """What was served when the newest version was deployed; None where that was the first.

    Args:
        releases: newest first. To serve a version again is a release too.
    """
    if not releases:
        return None
    newest = max(releases, key=lambda release: release.made).version
    first = max(place for place, release in enumerate(releases) if release.version == newest)
    return next(iter(releases[first + 1 :]), None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.rollback", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", required=True, metavar="BUCKET", help="bucket of Terraform's state")
    parser.add_argument("--revision", help="of the service, such as kikitori-00007-abc (default: the earlier one)")
    parser.add_argument("--page", metavar="VERSION", help="sites/SITE/versions/VERSION (default: the earlier one)")
    parser.add_argument("--only", choices=("service", "page"), help="leave the other as it is")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be served")
    options = parser.parse_args(arguments)
    app = App(options.state)
    try:
        app.begin()
        outputs = app.outputs()
        if "service" not in outputs:
            parser.error("nothing is deployed yet")
        site, service = Site(outputs["project_id"], outputs["site_id"]), Service(outputs["service"])
        releases = site.releases()
        before = earlier(releases)
        revision = options.revision or (before.revision if before else "")
        page = next((r for r in releases if r.version == options.page), None) if options.page else before
        if options.only != "page" and not revision:
            parser.error("no earlier page says which revision it belongs to; name one with --revision")
        if options.only != "service" and not page:
            parser.error(
                "there is no such page" if options.page else "there is no earlier page; name one, or --only service"
            )
        if options.only != "page":
            image = service.revision(revision).image
            print(f"service: {revision}, {image}", flush=True)
        if options.only != "service" and page:
            print(f"page:    {page.version}", flush=True)
        if options.dry_run:
            return 0
        if options.only != "service" and page and releases[0].version != page.version:
            site.release(page)
        serving = service.serving()
        if options.only != "page" and (serving is None or serving.name != revision):
            app.apply(outputs["image"], serving=revision)
    except (ProgramError, requests.RequestException, GoogleAuthError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
