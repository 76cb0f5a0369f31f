"""Lists in pages: https://google.aip.dev/158."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .call import Call
from .errors import bad_field
from .store import Entity

_Item = TypeVar("_Item")
_USUAL_SIZE = 100


def paged(call: Call, found: Iterable[Entity]) -> tuple[list[Entity], str | None]:
    """One page of resources in order of creation, and the token of the next.

    Raises:
        GoogleError: 400 for a token that was not given out for this list, or a negative size.
    """
    return paged_by(call, found, lambda entity: entity.serial)


def paged_by(call: Call, found: Iterable[_Item], key: Callable[[_Item], Any]) -> tuple[list[_Item], str | None]:
    """The same of items in the order of a key, which JSON can hold; no two have the same.

    Raises:
        GoogleError: as above.
    """
    name = "maxResults" if "maxResults" in call.query else "pageSize"
    size = int(call.query.get(name) or 0)
    if size < 0:
        raise bad_field(name, f"{size} is less than 0")
    size = size or _USUAL_SIZE
    rest = list(found)
    if token := call.query.get("pageToken"):
        try:
            of, after = json.loads(base64.urlsafe_b64decode(token))
            rest = [item for item in rest if key(item) > after]
        except (ValueError, TypeError) as error:
            raise bad_field("page_token", "Invalid page token") from error
        if of != call.name:
            raise bad_field("page_token", "Invalid page token")
    if len(rest) <= size:
        return rest, None
    return rest[:size], base64.urlsafe_b64encode(json.dumps([call.name, key(rest[size - 1])]).encode()).decode()
