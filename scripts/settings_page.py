"""Writes docs/settings.md from the settings themselves; with --check, says whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from kikitori.settings import Settings, variable
from pydantic.fields import FieldInfo

_PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
_HEAD = """<!-- Made by scripts/settings_page.py from service/src/kikitori/settings.py; `make format` renews it. -->

# Settings of the service

Environment variables. A name with the prefix that is not in this table, or a value that cannot be used, ends the
process at once with a line that says what to change.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(
        f"| `{variable(name)}` | {_default(field)} | {_cell(field.description or '')} |\n"
        for name, field in Settings.model_fields.items()
    )


def _cell(text: str) -> str:
    """One line, as a table needs it."""
    return " ".join(text.split()).replace("|", "&#124;")


def _default(field: FieldInfo) -> str:
    if field.default_factory or field.default in (None, ()):
        return "unset"
    return f"`{field.default}`"


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        if _PAGE.read_text(encoding="utf-8") != page():
            print(f"{_PAGE.name} is out of date: make format", file=sys.stderr)
            return 1
        return 0
    _PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
