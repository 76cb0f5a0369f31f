"""What a Workload Identity provider says about a token: attribute mapping and attribute condition, in CEL.

https://cloud.google.com/iam/docs/workload-identity-federation#mapping. Google's functions `extract` and `split` are not
here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from cel_expr_python import cel

from .errors import GoogleError, bad_field
from .store import Json

_LONGEST_SUBJECT = 127
_ATTRIBUTE = re.compile(r"google\.(subject|groups)|attribute\.[a-z0-9_]{1,100}")
_ATTRIBUTES = ("google", "attribute")


@cache
def _environment() -> Any:
    text = cel.Type.STRING
    claims, strings = cel.Type.Map(text, cel.Type.DYN), cel.Type.Map(text, text)
    return cel.NewEnv(variables={"assertion": claims, "attribute": strings, "google": claims})


def _compiled(field: str, source: str) -> Any:
    try:
        return _environment().compile(source)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise bad_field(field, f"Error compiling CEL expression: {reason}") from error


def check(provider: Json) -> None:
    """Refuse expressions that do not compile.

    Raises:
        GoogleError: 400.
    """
    for key, source in provider.get("attributeMapping", {}).items():
        if not _ATTRIBUTE.fullmatch(key):
            raise bad_field("attribute_mapping", f"Unknown attribute '{key}': google.subject or attribute.NAME")
        _compiled("attribute_mapping", source)
    condition = provider.get("attributeCondition")
    if condition and _compiled("attribute_condition", condition).return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise bad_field("attribute_condition", "The condition must be a Boolean")


def attributes(provider: Json, claims: Json) -> dict[str, str]:
    """The mapped attributes of a token's claims, if the condition lets them in.

    Raises:
        GoogleError: 400 for a mapping that fails, 401 for a token that the condition refuses.
    """
    mapped: dict[str, str] = {}
    for key, source in provider["attributeMapping"].items():
        mapped[key] = str(_evaluated("attribute_mapping", source, {"assertion": claims}))
    if len(mapped["google.subject"]) > _LONGEST_SUBJECT:
        raise bad_field("google.subject", f"The subject is longer than {_LONGEST_SUBJECT} characters")
    groups: dict[str, dict[str, str]] = {name: {} for name in _ATTRIBUTES}
    for key, value in mapped.items():
        space, _, name = key.partition(".")
        groups[space][name] = value
    condition = provider.get("attributeCondition")
    if condition and _evaluated("attribute_condition", condition, {"assertion": claims, **groups}) is not True:
        raise GoogleError("UNAUTHENTICATED", "The given credential is rejected by the attribute condition.")
    return mapped


def _evaluated(field: str, source: str, data: Json) -> Any:
    full = {"attribute": {}, "google": {}, **data}
    try:
        value = _compiled(field, source).eval(data=full)
    except RuntimeError as error:
        raise bad_field(field, f"Error evaluating '{source}': {error}") from error
    if value.type() == cel.Type.ERROR:
        raise bad_field(field, f"Error evaluating '{source}': {value.value()}")
    return value.value()
