"""The project's documents, read as their renderer reads them."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent.parent
_MARKDOWN = MarkdownIt("commonmark").enable("table")
_ADDRESSES = {"a": "href", "img": "src"}


@dataclass(frozen=True)
class Page:
    """One document, by its path in the repository."""

    name: str

    @cached_property
    def text(self) -> str:
        """As it is written."""
        return (ROOT / self.name).read_text(encoding="utf-8")

    @cached_property
    def _tokens(self) -> list[Token]:
        return _MARKDOWN.parse(self.text)

    def _inline(self) -> Iterator[Token]:
        for token in self._tokens:
            yield from token.children or ()

    @property
    def headings(self) -> list[tuple[str, str]]:
        """Level, as `h2`, and text of each."""
        return [
            (token.tag, "".join(part.content for part in following.children or ()))
            for token, following in zip(self._tokens, self._tokens[1:], strict=False)
            if token.type == "heading_open"
        ]

    @property
    def anchors(self) -> set[str]:
        """What the headings are called in an address, as GitHub makes it."""
        seen: Counter[str] = Counter()
        anchors = set()
        for _, heading in self.headings:
            slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
        return anchors

    @property
    def links(self) -> list[str]:
        """Where its links and pictures lead."""
        return [
            str(token.attrs[_ADDRESSES[token.tag]]) for token in self._inline() if set(token.attrs) & {"href", "src"}
        ]

    @property
    def code(self) -> list[str]:
        """What stands in a line as code."""
        return [token.content for token in self._inline() if token.type == "code_inline"]

    def blocks(self, language: str) -> list[str]:
        """The blocks of code in a language."""
        return [token.content for token in self._tokens if token.type == "fence" and token.info.strip() == language]

    @cached_property
    def commands(self) -> list[str]:
        """The shell commands of its blocks, each whole, without the comments behind it."""
        return [command for block in self.blocks("sh") for command in _commands(block)]


def _commands(block: str) -> Iterator[str]:
    """A command ends where the shell takes what it has read as whole."""
    held: list[str] = []
    for line in block.splitlines():
        held.append(re.sub(r"(^|\s+)#\s.*$", "", line))
        command = "\n".join(held).strip()
        if command and not command.endswith(("\\", "|")) and _is_whole(command):
            yield re.sub(r"\s*\\?\n\s*", " ", command)
            held = []
    assert not "".join(held).strip(), f"this is no command: {held}"


def _is_whole(command: str) -> bool:
    return subprocess.run(["sh", "-n", "-c", command], check=False, capture_output=True).returncode == 0


@cache
def pages() -> tuple[Page, ...]:
    """All of them."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("terraform/**/README.md")]
    return tuple(Page(str(path.relative_to(ROOT))) for path in sorted(found) if ".terraform" not in path.parts)


def page(name: str) -> Page:
    """The one of that name."""
    return next(one for one in pages() if one.name == name)
