"""The first page says the same in both languages, as far as a program can tell."""

from __future__ import annotations

from tests.documents.pages import Page, page


def test_both_have_the_same_parts() -> None:
    english, japanese = page("README.md"), page("README.ja.md")
    assert [level for level, _ in japanese.headings] == [level for level, _ in english.headings]
    assert japanese.commands == english.commands
    assert japanese.blocks("python") == english.blocks("python")
    assert set(japanese.code) == set(english.code)
    assert sorted(_neutral(japanese)) == sorted(_neutral(english))


def _neutral(here: Page) -> list[str]:
    """Where it leads, whatever the language of what is there."""
    return [
        "README" if link.startswith("README") else "#" if link.startswith("#") else link.replace("-ja-", "-en-")
        for link in here.links
    ]
