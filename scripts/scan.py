"""Asks Artifact Analysis what is known to be vulnerable in a pushed image (https://cloud.google.com/artifact-analysis/docs).

Google scans every image that is pushed, Debian's packages and Python's; this waits for the result. The exit status is
0 when nothing critical is known for which there is a fix, 1 when something is, or when the scan cannot be read, 2 when
the command is wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError

from scripts.app import is_digest
from scripts.google import get

_PATIENCE_S = 900.0
_PAUSE_S = 10.0
_REFUSED = "CRITICAL"


class ScanError(Exception):
    """The image is not known to be sound; the message says why."""


def scan(image: str, patience_s: float = _PATIENCE_S) -> Counter[str]:
    """Wait for the scan; the number of vulnerabilities by severity.

    Args:
        image: LOCATION-docker.pkg.dev/PROJECT/...@sha256:...
        patience_s: for Google to end the scan.

    Raises:
        ScanError: something critical has a fix, or there is no result.
        requests.RequestException: Google refuses.
    """
    _wait(image, patience_s)
    found: Counter[str] = Counter()
    critical = []
    for occurrence in _occurrences(image, "VULNERABILITY"):
        vulnerability = occurrence["vulnerability"]
        severity = vulnerability.get("effectiveSeverity", "SEVERITY_UNSPECIFIED")
        found[severity] += 1
        if severity == _REFUSED and vulnerability.get("fixAvailable"):
            issues = vulnerability.get("packageIssue", [])
            parts = ", ".join(f"{issue['affectedPackage']} {_version(issue, 'affectedVersion')}" for issue in issues)
            critical.append(f"{occurrence['noteName'].rpartition('/')[2]} in {parts}")
    if critical:
        raise ScanError("Critical, and there is a fix:\n  " + "\n  ".join(sorted(critical)))
    return found


def _version(issue: dict[str, Any], name: str) -> str:
    version: str = issue.get(name, {}).get("fullName", "")
    return version


def _wait(image: str, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        states = [o["discovery"].get("analysisStatus", "") for o in _occurrences(image, "DISCOVERY")]
        if "FINISHED_SUCCESS" in states:
            return
        for state in states:
            if state.startswith("FINISHED"):
                raise ScanError(f"Google could not scan the image: {state}")
        if time.monotonic() > deadline:
            raise ScanError(
                f"No scan within {patience_s:.0f} s (it is at: {', '.join(states) or 'not begun'}). "
                "Is containerscanning.googleapis.com enabled, and scanning on in the repository?"
            )
        print("Waiting for the scan", file=sys.stderr, flush=True)
        time.sleep(_PAUSE_S)


def _occurrences(image: str, kind: str) -> Iterator[dict[str, Any]]:
    project, page = image.split("/")[-3], None
    while True:
        asked = f'resourceUrl="https://{image}" AND kind="{kind}"'
        answer = get(
            "containeranalysis", f"v1/projects/{project}/occurrences", filter=asked, pageSize=1000, pageToken=page
        )
        yield from answer.get("occurrences", [])
        if not (page := answer.get("nextPageToken")):
            return


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.scan", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("image", help="LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256:...")
    parser.add_argument("--patience", type=float, default=_PATIENCE_S, metavar="S", help="seconds for Google to scan")
    options = parser.parse_args(arguments)
    if not is_digest(options.image) or options.image.count("/") < 3:
        parser.error("the image must be LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256: and 64 digits")
    try:
        found = scan(options.image, options.patience)
    except (ScanError, requests.RequestException, GoogleAuthError) as error:
        print(error, file=sys.stderr)
        return 1
    known = ", ".join(f"{severity.lower()} {count}" for severity, count in sorted(found.items())) or "none"
    print(f"Known vulnerabilities: {known}; none of them critical with a fix")
    return 0


if __name__ == "__main__":
    sys.exit(main())
