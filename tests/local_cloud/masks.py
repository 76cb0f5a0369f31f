"""Update masks: which fields a call changes (https://google.aip.dev/134, https://google.aip.dev/161)."""

from __future__ import annotations

import copy
from typing import Any

from .discovery import Api
from .errors import bad_field, invalid
from .schema import camel, is_output_only
from .store import Json


def value_at(body: Any, path: str) -> Any:
    """What stands at a dotted path, or None."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def masked(api: Api, schema: Json, before: Json, given: Json, mask: str) -> Json:
    """`before` with what the mask names as it is in `given`: what is not there is cleared.

    Raises:
        GoogleError: 400 for a path that the message does not have, or for its name.
    """
    body = copy.deepcopy(before)
    for names in _paths(api, schema, mask):
        _assign(body, names, value_at(given, ".".join(names)))
    return body


def replaced(schema: Json, before: Json, given: Json) -> Json:
    """All of `given`, and of `before` what is the server's alone."""
    of = schema["properties"]
    kept = {name: value for name, value in before.items() if name == "name" or is_output_only(of[name])}
    return {**copy.deepcopy(kept), **{name: value for name, value in given.items() if name not in kept}}


def immutable(schema: Json) -> list[str]:
    """The fields that Google documents as immutable."""
    return [name for name, of in schema["properties"].items() if "immutable." in of.get("description", "").lower()]


def _paths(api: Api, schema: Json, mask: str) -> list[list[str]]:
    """The paths of a mask, each as its field names, without those of fields that are the server's alone."""
    paths = []
    for path in mask.split(","):
        names: list[str] = []
        inner, kept = schema, True
        for part in path.strip().split("."):
            name = camel(part)
            while "$ref" in inner:
                inner = api.schema(inner["$ref"])
            free = inner.get("additionalProperties")
            found = inner.get("properties", {}).get(name) or free
            if found is None:
                raise invalid(f"Invalid field mask: the message has no field '{path}'.")
            names.append(part if free else name)
            inner, kept = found, kept and not is_output_only(found)
        if names == ["name"]:
            raise bad_field("update_mask", "The name is immutable.", "Field 'name' is immutable and cannot be changed.")
        if kept:
            paths.append(names)
    return paths


def _assign(body: Json, names: list[str], value: Any) -> None:
    for name in names[:-1]:
        body = body.setdefault(name, {})
    if value is None:
        body.pop(names[-1], None)
    else:
        body[names[-1]] = value
