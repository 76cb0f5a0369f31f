"""Links lead to what is there."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

import pytest

from tests.documents.pages import ROOT, Page, pages


@pytest.mark.parametrize("here", pages(), ids=lambda here: here.name)
def test_what_is_linked_is_there(here: Page) -> None:
    broken = [link for link in here.links if not urlsplit(link).scheme and not _leads_somewhere(here, link)]
    assert broken == []


def test_every_page_is_reached_from_the_first() -> None:
    """By links alone; the modules' pages are found in their folders."""
    known, new = set[str](), {"README.md"}
    while new:
        known |= new
        new = {target for here in pages() if here.name in new for target in _pages_behind(here)} - known
    assert {here.name for here in pages() if not here.name.startswith("terraform/")} - known == set()


def _leads_somewhere(here: Page, link: str) -> bool:
    target = _target(here, link)
    fragment = urlsplit(link).fragment
    if not (ROOT / target).exists():
        return False
    return not fragment or any(unquote(fragment) in other.anchors for other in pages() if other.name == target)


def _target(here: Page, link: str) -> str:
    path = unquote(urlsplit(link).path)
    return os.path.normpath(os.path.join(os.path.dirname(here.name), path)) if path else here.name  # noqa: PTH118, PTH120


def _pages_behind(here: Page) -> set[str]:
    return {_target(here, link) for link in here.links if not urlsplit(link).scheme}
