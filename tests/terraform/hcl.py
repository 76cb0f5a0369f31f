"""What the configuration's files say, as Python values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2


def read(path: Path) -> dict[str, Any]:
    """A file's blocks by kind; strings without their quotes."""
    return dict(_unquoted(hcl2.loads(path.read_text(encoding="utf-8"))))


def named(blocks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Blocks with one label, such as variables and runs, by it."""
    return {name: body for block in blocks for name, body in block.items()}


def leaves(value: object, path: str = "") -> Iterator[str]:
    """Paths of the keys of nested objects that hold no further object."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else key)
    else:
        yield path


def keys_of_type(text: str, path: str = "") -> Iterator[str]:
    """Paths of the keys of a type constraint's nested objects, maps and lists left aside."""
    match = re.match(r"(?:\$\{)?(?:optional\()?object\(\{(.*)\}\)", text, re.S)
    if not match:
        yield path
        return
    for key, part in _parts(match[1]):
        yield from keys_of_type(part, f"{path}.{key}" if path else key)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    depth, start = 0, 0
    for index, character in enumerate(f"{text},"):
        depth += (character in "({[") - (character in ")}]")
        if depth == 0 and character == ",":
            key, _, part = text[start:index].partition("=")
            if key.strip():
                yield key.strip(), part.strip()
            start = index + 1


def _unquoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            _unquoted(key): _unquoted(part)
            for key, part in value.items()
            if key not in ("__is_block__", "__comments__")
        }
    if isinstance(value, list):
        return [_unquoted(part) for part in value]
    if isinstance(value, str) and value[:1] == value[-1:] == '"' and len(value) > 1:
        return value[1:-1]
    return value
