"""What fields of several routes have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

MOST_CHARACTERS = 64_000
"""Text of one request, all in all. More cannot fit into 8,192 positions, and tokenizing 20 MB takes minutes."""

_COLDEST = 0.01


def valid_unicode(value: Any) -> Any:
    """What was given, unless it is a text that cannot be written down: JSON's escapes can name half a character.

    Raises:
        PydanticCustomError: it holds a lone surrogate.
    """
    try:
        if isinstance(value, str):
            value.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError(
            "unicode",
            "Text must be valid Unicode, but character {at} is half of a surrogate pair. Send the other half with it",
            {"at": error.start},
        ) from error
    return value


def _coldest_is_greedy(temperature: float) -> float:
    """Dividing by next to nothing overflows, and all that is wanted is the likeliest token."""
    return 0.0 if 0 <= temperature < _COLDEST else temperature


Text = Annotated[str, Field(max_length=MOST_CHARACTERS), BeforeValidator(valid_unicode)]
Temperature = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_coldest_is_greedy)]
