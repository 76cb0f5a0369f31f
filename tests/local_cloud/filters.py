"""Filters of logs and of time series: whether one can be read at all, not what it means.

Logs: https://cloud.google.com/logging/docs/view/logging-query-language; series:
https://cloud.google.com/monitoring/api/v3/filters. What both have in common is enough to tell a filter from none.
"""

from __future__ import annotations

import re

from .errors import GoogleError, invalid

_SPACE = re.compile(r"(\s|--[^\n]*)*")
_TOKEN = re.compile(
    r"""(?P<operator>=~|!~|<=|>=|!=|[=<>:])
      | (?P<mark>[(),])
      | (?P<value>(?:"(?:[^"\\]|\\.)*"|[^\s"()=<>!:,~])+)""",
    re.VERBOSE,
)


def check(text: str) -> None:
    """Refuse what is no filter.

    Raises:
        GoogleError: 400 that says where reading ended.
    """
    reading = _Reading(text)
    try:
        reading.expression()
    except RecursionError as error:
        raise invalid("Unparseable filter: its parentheses are too deep.") from error
    if reading.kind:
        raise reading.unreadable()


class _Reading:
    """A filter, read to a token: `kind` is its kind, empty at the end."""

    def __init__(self, text: str) -> None:
        self._text, self._end = text, 0
        self.next()

    def next(self) -> None:
        space = _SPACE.match(self._text, self._end)
        self._start = space.end() if space else self._end
        found = _TOKEN.match(self._text, self._start)
        if found is None and self._start < len(self._text):
            raise self.unreadable()
        self.kind, self.word = (str(found.lastgroup), found[0]) if found else ("", "")
        self._end = found.end() if found else self._start

    def unreadable(self) -> GoogleError:
        """400."""
        return invalid(f"Unparseable filter: syntax error at position {self._start} of: {self._text}")

    def expression(self) -> None:
        """Comparisons, which may have nothing, AND, or OR between them."""
        self.term()
        while self.kind and self.word not in (")", ","):
            if self.word in ("AND", "OR"):
                self.next()
            self.term()

    def term(self) -> None:
        """NOT, and a comparison or a value alone."""
        if self.word == "NOT":
            self.next()
        self.value()
        if self.kind == "operator":
            self.next()
            self.value()

    def value(self) -> None:
        """A word, a string, a call, or an expression in parentheses."""
        if self.kind == "value" and self.word not in ("AND", "OR", "NOT"):
            self.next()
            if self.word != "(" or self._text[self._start - 1].isspace():
                return
        if self.word != "(":
            raise self.unreadable()
        self.next()
        self.expression()
        while self.word == ",":
            self.next()
            self.expression()
        if self.word != ")":
            raise self.unreadable()
        self.next()
