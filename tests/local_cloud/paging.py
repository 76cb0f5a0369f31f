"""Lists in pages: https://google.aip.dev/158."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from .call import Call
from .errors import bad_field
from .store import Entity


def paged(call: Call, found: Iterable[Entity]) -> tuple[list[Entity], str | None]:
    """One page of resources in order of creation, and the token of the next.

    Raises:
        GoogleError: 400 for a token that was not given out for this list.
    """
    size = int(call.query.get("pageSize") or call.query.get("maxResults") or 0) or 100
    after = 0
    if token := call.query.get("pageToken"):
        try:
            of, _, serial = base64.urlsafe_b64decode(token).decode().rpartition(":")
            after = int(serial)
        except (binascii.Error, ValueError) as error:
            raise bad_field("page_token", "Invalid page token") from error
        if of != call.name:
            raise bad_field("page_token", "Invalid page token")
    rest = [entity for entity in found if entity.serial > after]
    if len(rest) <= size:
        return rest, None
    return rest[:size], base64.urlsafe_b64encode(f"{call.name}:{rest[size - 1].serial}".encode()).decode()
