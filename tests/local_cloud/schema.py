"""Values against the schemas of a discovery document: what Google's JSON front end refuses, in its words."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .discovery import Api, Method
from .errors import GoogleError, bad_field, invalid

Json = dict[str, Any]

_WHOLE = re.compile(r"-?\d+")
_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")


def _time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None
    except ValueError:
        return False


def _bytes(value: str) -> bool:
    try:
        base64.b64decode(value.translate(str.maketrans("-_", "+/")) + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return False
    return True


_FORMATS: dict[str, Callable[[str], object]] = {
    "google-duration": _DURATION.fullmatch,
    "google-datetime": _time,
    "date-time": _time,
    "byte": _bytes,
}


_SERVERS_OWN = ("output only", "[output only]", "[output-only]", "a read-only", "read-only", "record of", "records of")


_UNDOCUMENTED = {"deleteBgpAlwaysCompareMed"}
"""What Terraform's provider sends of a network with a `routing_mode`, and Compute Engine takes no notice of."""


def is_output_only(schema: Mapping[str, Any]) -> bool:
    """Whether a field is the server's alone: what a client sends in it is ignored."""
    return bool(schema.get("readOnly")) or str(schema.get("description", "")).lower().startswith(_SERVERS_OWN)


def received(api: Api, schema: Json, value: Any, *, nulls: bool = False) -> Any:
    """A request's value, checked, without what is output only, and without nulls unless they mean something.

    Raises:
        GoogleError: 400 for an unknown field, a wrong type or an unknown enum value.
    """
    return _Reading(api, answer=False, nulls=nulls).value(schema, value, "")


def answered(api: Api, schema: Json, value: Any) -> Any:
    """An answer's value, checked in the same way: a mistake here is one of this stand-in.

    Raises:
        GoogleError: 501, which no client tries again.
    """
    try:
        return _Reading(api, answer=True, nulls=False).value(schema, value, "")
    except GoogleError as error:
        raise GoogleError("UNIMPLEMENTED", f"The local cloud's own answer is not Google's: {error.message}") from error


@dataclass(frozen=True)
class _Reading:
    api: Api
    answer: bool
    nulls: bool

    def value(self, schema: Json, value: Any, where: str) -> Any:
        if "$ref" in schema:
            return self.value(self.api.schema(schema["$ref"]), value, where)
        kind = schema.get("type", "any")
        if kind == "any":
            return value
        if kind == "array":
            if not isinstance(value, list):
                raise _wrong(where, value, "a list")
            return [self.value(schema["items"], item, f"{where}[{i}]") for i, item in enumerate(value)]
        if kind == "object":
            if not isinstance(value, dict):
                raise _wrong(where, value, "an object")
            return self._object(schema, value, where)
        return _scalar(schema, kind, value, where)

    def _object(self, schema: Json, value: Json, where: str) -> Json:
        properties, rest, result = schema.get("properties", {}), schema.get("additionalProperties"), {}
        for given, inner in value.items():
            # JSON may have a field by either of its names: https://protobuf.dev/programming-guides/json/
            name = given if given in properties or rest else camel(given)
            of = properties.get(name, rest)
            if of is None and name in _UNDOCUMENTED and not self.answer:
                continue
            if of is None:
                at = f" at '{where}'" if where else ""
                words = f'Invalid JSON payload received. Unknown name "{given}"{at}: Cannot find field.'
                raise bad_field(where, words, words)
            if not self.answer and is_output_only(of):
                continue
            if inner is not None:
                result[name] = self.value(of, inner, f"{where}.{name}" if where else name)
            elif self.nulls:
                result[name] = None
        return result


def _scalar(schema: Json, kind: str, value: Any, where: str) -> Any:
    if kind == "boolean":
        if not isinstance(value, bool):
            raise _wrong(where, value, "TYPE_BOOL")
        return value
    if kind in ("integer", "number"):
        return _number(schema, kind, value, where)
    if schema.get("format") in ("int64", "uint64"):
        return str(_number(schema, "integer", value, where))
    if not isinstance(value, str):
        raise _wrong(where, value, "TYPE_STRING")
    if not _FORMATS.get(schema.get("format", ""), bool)(value) and schema.get("format") in _FORMATS:
        raise _wrong(where, value, schema["format"])
    if "enum" in schema and value not in schema["enum"]:
        raise _wrong(where, value, "enum")
    return value


_BITS = {"int32": 31, "uint32": 32, "int64": 63, "uint64": 64}


def _number(schema: Json, kind: str, value: Any, where: str) -> float:
    """A number, which JSON may also write as a string; `3.0` is a whole one."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    bits = _BITS.get(schema.get("format", ""), 64)
    wanted = "TYPE_DOUBLE" if kind == "number" else f"TYPE_INT{64 if bits > 32 else 32}"
    if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else int | float):
        raise _wrong(where, value, wanted)
    if kind == "integer" and not -(2**bits) <= value < 2**bits:
        raise _wrong(where, value, wanted)
    return float(value) if kind == "number" else int(value)


def camel(name: str) -> str:
    """A field's name in JSON: Google reads `update_mask` as `updateMask`."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _wrong(where: str, value: Any, wanted: str) -> GoogleError:
    shown = f'"{value}"' if isinstance(value, str) else value
    words = f"Invalid value at '{where}' ({wanted}), {shown}"
    return bad_field(where, words, words)


def parameters(method: Method, query: Mapping[str, list[str]]) -> Json:
    """The query of a request: single values as strings, repeated ones as lists.

    Raises:
        GoogleError: 400 for an unknown parameter, a required one that is missing, a value outside its enum or format.
    """
    result: Json = {}
    for given, values in query.items():
        name = given if given in method.parameters else camel(given)
        of = method.parameters.get(name)
        if given == "upload_id" and "mediaUpload" in method.entry:
            name, of = given, {"type": "string"}  # A resumable upload's: it came with the address of its pieces.
        if of is None and name in (method.schema("request") or {}).get("properties", {}):
            of = {"type": "string"}  # A field of the message: Terraform sends some of them so.
        if of is None or of.get("location") == "path":
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
                f"Field '{name}' could not be found in request message."
            )
        checked = [_parameter(name, of, value) for value in values]
        result[name] = checked if of.get("repeated") else checked[-1]
    for name, of in method.parameters.items():
        if of.get("required") and of.get("location") == "query" and name not in result:
            raise bad_field(name, "Required parameter is missing", f"Required parameter: {name}")
    return result


def _parameter(name: str, of: Json, value: str) -> str:
    valid = {"boolean": value in ("true", "false"), "integer": bool(_WHOLE.fullmatch(value))}.get(of["type"], True)
    if of.get("format") in _FORMATS and value and not _FORMATS[of["format"]](value):
        raise _wrong(name, value, of["format"])
    if not valid or ("enum" in of and value not in of["enum"]):
        words = f"Invalid value at '{name}' ({'enum' if 'enum' in of else of['type']}), \"{value}\""
        raise bad_field(name, words, words)
    return value
