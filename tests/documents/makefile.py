"""The Makefile as `make help` lists it, and the calls of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.documents.pages import ROOT

_CALL = re.compile(r"\bmake(?: -C \S+| --silent)* (?P<target>[a-z][a-z-]*)(?P<variables>(?: [A-Z_]+=(?:'[^']*'|\S+))*)")


def targets() -> dict[str, str]:
    """What each target says of itself, where it names the variables that it reads."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z-]+):.*?## (.*)$", text, re.MULTILINE))


def calls(text: str) -> Iterator[tuple[str, set[str]]]:
    """The target of each call, and the variables that it is given."""
    for match in _CALL.finditer(text):
        yield match["target"], set(re.findall(r" ([A-Z_]+)=", match["variables"]))
