"""What Google evaluates in CEL: a Workload Identity provider's mapping and condition, and the conditions of policies.

https://cloud.google.com/iam/docs/workload-identity-federation#mapping and
https://cloud.google.com/iam/docs/conditions-attribute-reference. Google's functions `extract`, `split`, `matchTag` and
their like are not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cel_expr_python import cel

from .errors import GoogleError, bad_field
from .store import Json

_LONGEST_SUBJECT = 127
_LONGEST_CONDITION, _LONGEST_SOURCE, _MOST_ATTRIBUTES = 4096, 2048, 50
_ATTRIBUTE = re.compile(r"google\.(subject|groups)|attribute\.[a-z0-9_]{1,100}")
_ATTRIBUTES = ("google", "attribute")


@dataclass(frozen=True)
class Resource:
    """What a policy's condition may ask of a resource, and the name under which the state has it."""

    stored: str
    service: str
    type: str
    name: str


@cache
def _of_tokens() -> Any:
    text = cel.Type.STRING
    claims, strings = cel.Type.Map(text, cel.Type.DYN), cel.Type.Map(text, text)
    return cel.NewEnv(variables={"assertion": claims, "attribute": strings, "google": claims})


@cache
def _of_policies() -> Any:
    names = {f"resource.{name}": cel.Type.STRING for name in ("service", "type", "name")}
    return cel.NewEnv(variables={**names, "request.time": cel.Type.TIMESTAMP})


def _compiled(field: str, source: str, environment: Any = None) -> Any:
    try:
        return (environment or _of_tokens()).compile(source)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise bad_field(field, f"Error compiling CEL expression: {reason}") from error


def check_binding(condition: Json) -> None:
    """Refuse a policy's condition without title or with an expression that does not compile to a Boolean.

    Raises:
        GoogleError: 400.
    """
    for name in ("title", "expression"):
        if not condition.get(name):
            raise bad_field(f"policy.bindings.condition.{name}", "Required field is missing")
    expression = _compiled("policy.bindings.condition.expression", condition["expression"], _of_policies())
    if expression.return_type() != cel.Type.BOOL:
        raise bad_field("policy.bindings.condition.expression", "The condition must be a Boolean")


def holds(condition: Json, resource: Resource) -> bool:
    """Whether a policy's condition is true now; one that fails grants nothing."""
    values = {f"resource.{name}": getattr(resource, name) for name in ("service", "type", "name")}
    expression = _compiled("expression", condition["expression"], _of_policies())
    value = expression.eval(data={**values, "request.time": datetime.now(UTC)})
    return bool(value.type() == cel.Type.BOOL and value.value())


def check(provider: Json) -> None:
    """Refuse expressions that do not compile.

    Raises:
        GoogleError: 400.
    """
    mapping = provider.get("attributeMapping", {})
    if sum(key.startswith("attribute.") for key in mapping) > _MOST_ATTRIBUTES:
        raise bad_field("attribute_mapping", f"At most {_MOST_ATTRIBUTES} custom attributes are allowed")
    for key, source in mapping.items():
        if len(source) > _LONGEST_SOURCE:
            raise bad_field("attribute_mapping", f"'{key}' is longer than {_LONGEST_SOURCE} characters")
        if not _ATTRIBUTE.fullmatch(key):
            raise bad_field("attribute_mapping", f"Unknown attribute '{key}': google.subject or attribute.NAME")
        _compiled("attribute_mapping", source)
    condition = provider.get("attributeCondition", "")
    if len(condition) > _LONGEST_CONDITION:
        raise bad_field("attribute_condition", f"longer than {_LONGEST_CONDITION} characters")
    if condition and _compiled("attribute_condition", condition).return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise bad_field("attribute_condition", "The condition must be a Boolean")


_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")


def names_claim(provider: Json) -> bool:
    """Whether the condition depends on what the token says, itself or by an attribute that does."""
    mapping, condition = provider.get("attributeMapping", {}), provider.get("attributeCondition", "")
    bare = _TEXT.sub("", condition)
    sources = [bare, *(_TEXT.sub("", source) for key, source in mapping.items() if key in bare)]
    return any(re.search(r"\bassertion\b", source) for source in sources)


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
