"""Keeps one comment of a pull request, or one issue, saying what a file says.

What was written before is found by its title and changed; a second one is never made. An empty file means that there
is nothing to say any more: the issue is closed, the comment says so. Reads GITHUB_REPOSITORY, GITHUB_TOKEN and, for
another server than github.com, GITHUB_API_URL. The exit status is 0 when it is said, 1 when GitHub refuses, 2 when the
command is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

_LONGEST = 65_000
"""Characters; GitHub takes 65536."""
_PAGE = 100
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub. Methods raise requests.RequestException."""

    api: str
    name: str
    token: str

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The JSON that GitHub answers."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json"}
        url = f"{self.api}/repos/{self.name}/{path}"
        answer = requests.request(method, url, headers=headers, timeout=_TIMEOUT_S, **request)
        answer.raise_for_status()
        return answer.json()

    def all(self, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
        """Everything in a list."""
        page = 1
        while found := self.call("GET", path, params={**parameters, "per_page": _PAGE, "page": page}):
            yield from found
            if len(found) < _PAGE:
                return
            page += 1


def comment(repository: Repository, number: int, title: str, text: str) -> str:
    """Make or change the comment with this title; gives its address."""
    mark = _mark(title)
    body = {"body": f"{mark}\n### {title}\n\n{text or 'Nothing any more.'}"[:_LONGEST]}
    for found in repository.all(f"issues/{number}/comments"):
        if found["body"].startswith(mark):
            return str(repository.call("PATCH", f"issues/comments/{found['id']}", json=body)["html_url"])
    return str(repository.call("POST", f"issues/{number}/comments", json=body)["html_url"])


def issue(repository: Repository, title: str, text: str) -> str:
    """Open or change the issue with this title, or close it where there is nothing to say; gives its address, or ""."""
    mark = _mark(title)
    body = f"{mark}\n{text}"[:_LONGEST]
    for found in repository.all("issues", state="open"):
        if "pull_request" not in found and (found["body"] or "").startswith(mark):
            change = {"body": body} if text else {"state": "closed", "state_reason": "completed"}
            return str(repository.call("PATCH", f"issues/{found['number']}", json=change)["html_url"])
    if not text:
        return ""
    return str(repository.call("POST", "issues", json={"title": title, "body": body})["html_url"])


def _mark(title: str) -> str:
    return f"<!-- Kept by scripts/github_note.py: {title} -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.github_note", description=__doc__)
    parser.add_argument("--title", required=True)
    parser.add_argument("--file", type=Path, required=True, help="Markdown; empty when there is nothing to say")
    parser.add_argument("--pull-request", type=int, metavar="NUMBER", help="comment there, instead of an issue")
    options = parser.parse_args(arguments)
    try:
        api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
        repository = Repository(api, os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_TOKEN"])
        text = options.file.read_text(encoding="utf-8")
    except (KeyError, OSError) as error:
        parser.error(f"missing: {error}")
    try:
        if options.pull_request:
            print(comment(repository, options.pull_request, options.title, text))
        else:
            print(issue(repository, options.title, text) or "There is nothing to say, and no issue that says it.")
    except requests.RequestException as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
