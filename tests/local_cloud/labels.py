"""Labels, which are the same for every resource: https://cloud.google.com/resource-manager/docs/labels-overview."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import bad_field

_MOST = 64
_REST = re.compile(r"[\w-]{0,63}")


def check(labels: Mapping[str, str], field: str) -> None:
    """Refuse what is too much, too long, or has capitals.

    Raises:
        GoogleError: 400.
    """
    if len(labels) > _MOST:
        raise bad_field(field, f"At most {_MOST} labels are allowed")
    for key, value in labels.items():
        fits = all(_REST.fullmatch(text) and text == text.lower() for text in (key, value))
        if not fits or not key[:1].isalpha():
            raise bad_field(
                field,
                f"'{key}: {value}' is not a label: lowercase letters, digits, _ and -, at most 63, a letter first",
            )
