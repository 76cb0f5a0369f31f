"""What would stop a first `terraform apply`, found before it: each finding with the command that mends it.

It only reads. `make preflight PROJECT=... BILLING_ACCOUNT=... SITE=...` runs it with the credentials of
`gcloud auth application-default login`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from scripts.preflight_findings import Answer, Finding, Send, Wanted, findings


def signed_in(project: str) -> Send:
    """Requests with the credentials of this machine.

    Raises:
        google.auth.exceptions.DefaultCredentialsError: there are none.
    """
    import google.auth
    import google.auth.exceptions
    import requests
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    session = AuthorizedSession(credentials)

    def send(method: str, address: str, body: Mapping[str, Any] | None) -> Answer:
        # Without a project of one's own to bill to, some APIs refuse a person's requests.
        headers = {"X-Goog-User-Project": project}
        try:
            if urlsplit(address).netloc.endswith(".googleapis.com"):
                response = session.request(method, address, json=body, headers=headers, timeout=30)
            else:  # somebody else's, perhaps, who must not get the credentials
                response = requests.request(method, address, json=body, timeout=30)
        except google.auth.exceptions.RefreshError:
            return Answer(401, {})
        except (google.auth.exceptions.TransportError, requests.RequestException) as error:
            return Answer(0, {"error": {"message": f"no answer ({type(error).__name__})"}})
        try:
            return Answer(response.status_code, response.json())
        except json.JSONDecodeError:
            return Answer(response.status_code, {})

    return send


def report(seen: Iterator[Finding]) -> int:
    """Print the findings; the number of those that need mending."""
    bad = 0
    for finding in seen:
        print(f"{'MEND' if finding.mend else 'ok  '}  {finding.what}")
        if finding.mend:
            bad += 1
            print(f"      {finding.mend}")
    return bad


def main(arguments: Sequence[str] | None = None) -> int:
    """Look, and tell; the exit status is 0 when nothing needs mending, 1 when something does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", required=True, help="id of the project")
    parser.add_argument("--number", default="", help="its number, as it stands in terraform.tfvars")
    parser.add_argument("--region", default="asia-southeast1")
    parser.add_argument("--site", required=True, help="site_id of the page")
    parser.add_argument("--billing-account", required=True, help="such as 012345-6789AB-CDEF01")
    parser.add_argument("--currency", default="", help="of the budget")
    parser.add_argument("--instances", type=int, default=1, help="capacity.max_instances")
    parser.add_argument("--cpu", type=int, default=4, help="vCPUs of one instance")
    parser.add_argument("--memory-gib", type=int, default=16, help="GiB of one instance")
    parser.add_argument("--zonal-redundancy", action="store_true")
    options = parser.parse_args(arguments)
    missing = [name for name in ("project", "billing_account", "site") if not getattr(options, name)]
    if missing:
        parser.error(f"give make preflight {' '.join(f'{name.upper()}=...' for name in missing)}")
    wanted = Wanted(**vars(options))
    import google.auth.exceptions

    try:
        send = signed_in(wanted.project)
    except google.auth.exceptions.DefaultCredentialsError:
        print("MEND  This machine has no credentials of Google Cloud\n      gcloud auth application-default login")
        return 1
    return 1 if report(findings(wanted, send)) else 0


if __name__ == "__main__":
    sys.exit(main())
