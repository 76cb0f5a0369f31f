"""Faults that a test asks for: `POST /_local/faults` takes one, `DELETE /_local/faults` forgets all."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable
from typing import Any

from . import operations
from .discovery import Method
from .errors import STATUSES, by_http, invalid
from .store import Json

_KINDS = ("status", "drop", "operation")


def asked(content: bytes, methods: Iterable[Method]) -> tuple[str, Json, int]:
    """A fault from a request: the glob of methods, what happens to them, and how often.

    Raises:
        GoogleError: 400 that says what is not understood.
    """
    try:
        fault = json.loads(content)
    except ValueError as error:
        raise invalid("A fault is a JSON object.") from error
    if not isinstance(fault, dict) or not isinstance(fault.get("method"), str):
        raise invalid("A fault is a JSON object with a method: a glob of method ids.")
    glob, times = fault.pop("method"), fault.pop("times", 1)
    meant = [method for method in methods if fnmatch.fnmatchcase(method.id, glob)]
    if not meant:
        raise invalid(f"The local cloud has no method '{glob}'.")
    if type(times) is not int or not 0 < times < 2**31:
        raise invalid("times is how many calls fail, at least 1.")
    if len(fault) != 1 or next(iter(fault)) not in _KINDS:
        raise invalid(f"A fault has exactly one of {', '.join(_KINDS)}, not {', '.join(map(str, fault)) or 'none'}.")
    (kind, value), *_ = fault.items()
    _check(kind, value, meant)
    return glob, fault, times


def _check(kind: str, value: Any, methods: list[Method]) -> None:
    if kind == "status" and (type(value) is not int or value not in by_http()):
        raise invalid(f"status is one of {', '.join(map(str, sorted(by_http())))}.")
    if kind == "drop" and value not in ("before", "after"):
        raise invalid("drop is before or after.")
    if kind == "operation":
        for method in methods:
            if not _answers_with_operation(method):
                raise invalid(f"{method.id} answers with no operation: it has nothing that could fail later.")
        _check_operation(value)


def _answers_with_operation(method: Method) -> bool:
    schema = method.schema("response")
    return operations.is_operation(schema) or (schema or {}).get("id") == "Operation"  # Compute's has other fields


def _check_operation(value: Any) -> None:
    known = {"status": str, "message": str, "seconds": int | float}
    if not isinstance(value, dict) or not value or not value.keys() <= known.keys():
        raise invalid(f"operation is an object of {', '.join(known)}.")
    for name, kind in known.items():
        if name in value and (not isinstance(value[name], kind) or isinstance(value[name], bool)):
            raise invalid(f"operation.{name} is a {'number' if name == 'seconds' else 'string'}.")
    if value.get("status", "INTERNAL") not in STATUSES:
        raise invalid(f"operation.status is one of {', '.join(STATUSES)}.")
    if not 0 <= value.get("seconds", 0) <= 3600:
        raise invalid("operation.seconds is at most 3600.")
