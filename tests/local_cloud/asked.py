"""What a call was given by name, and that nothing of it is silently ignored.

A handler that looks at a parameter honours it. One that nobody looked at is answered with 501, so that a client that
asks `validateOnly` does not create something here.
"""

from __future__ import annotations

import re
from typing import Any

from .discovery import Method
from .errors import GoogleError

_WITHOUT_EFFECT = {
    "$.xgafv",
    "key",
    "prettyPrint",
    "projection",  # of Cloud Storage: whether to show access control lists, which a bucket with uniform access lacks
    "quotaUser",
    "userIp",
}


class Asked(dict[str, Any]):
    """A query, or the fields of a request message; it notes which of them were looked at."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self._heard: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self._heard.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._heard.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._heard.add(name)
        return super().get(name, default)

    def kept(self) -> dict[str, Any]:
        """All of it, for a later call to look at."""
        self._heard |= self.keys()
        return dict(self)

    def ignored(self) -> list[str]:
        """What was given, is not the default, and was not looked at."""
        return [
            name
            for name in self.keys() - self._heard - _WITHOUT_EFFECT
            if super(Asked, self).get(name) not in ("", "false", False, None, [], {})
            and (name, super(Asked, self).get(name)) != ("alt", "json")
        ]


def nothing_ignored(method: Method, *asked: dict[str, Any]) -> None:
    """After a handler: all that was asked for was heard.

    Raises:
        GoogleError: 501 that names method and parameter.
    """
    names = sorted(name for each in asked if isinstance(each, Asked) for name in each.ignored())
    if names:
        raise GoogleError("UNIMPLEMENTED", f"The local cloud does not honour {', '.join(names)} of {method.id}.")


def selected(query: Asked, answer: Any) -> Any:
    """The part of an answer that `fields` asks for, as paths such as `services/name,nextPageToken`.

    https://developers.google.com/discovery/v1/performance#partial-response; not its `*` and `a(b,c)`.
    """
    asked = str(dict.get(query, "fields", ""))
    if not asked or re.search(r"[*()]", asked):
        return answer
    return _only(answer, [path.split("/") for path in query["fields"].split(",")])


def _only(value: Any, paths: list[list[str]]) -> Any:
    if isinstance(value, list):
        return [_only(each, paths) for each in value]
    if not isinstance(value, dict):
        return value
    deeper = {name: [path[1:] for path in paths if path[0] == name] for name in value}
    return {name: value[name] if [] in below else _only(value[name], below) for name, below in deeper.items() if below}
