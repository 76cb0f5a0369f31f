"""Writes the tables and examples of the modules' READMEs; with --check, says whether they are up to date.

What stands between the two markers is made: the example from tests/example.tftest.hcl, inputs and outputs from the
declarations. The text around it is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import hcl2

_TERRAFORM = Path(__file__).parent.parent / "terraform"
_BEGIN = "<!-- Made by scripts/terraform_pages.py; `make format` renews it. -->"
_END = "<!-- Until here. -->"


def made(folder: Path) -> str:
    """The made part of a folder's README."""
    parts = []
    example = folder / "tests" / "example.tftest.hcl"
    if example.exists():
        parts.append(
            f"## Example\n\nThis is `tests/example.tftest.hcl`, which `make test` plans.\n\n{_example(folder, example)}"
        )
    parts.append(
        "## Inputs\n\n| name | meaning | default |\n|---|---|---|\n" + "".join(map(_input, _blocks(folder, "variable")))
    )
    parts.append("## Outputs\n\n| name | meaning |\n|---|---|\n" + "".join(map(_output, _blocks(folder, "output"))))
    return "\n".join(parts)


def page(folder: Path) -> str:
    """The whole README with its made part renewed."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise SystemExit(f"{folder / 'README.md'} lacks the lines {_BEGIN} and {_END}")
    return f"{before}{_BEGIN}\n\n{made(folder)}\n{_END}{after}"


def _example(folder: Path, example: Path) -> str:
    match = re.search(r"^variables \{\n(.*?)^\}\n", example.read_text(encoding="utf-8"), re.M | re.S)
    if not match:
        raise SystemExit(f"{example} sets no variables")
    name = folder.name.replace("-", "_")
    return f'```hcl\nmodule "{name}" {{\n  source = "./modules/{folder.name}"\n\n{match[1]}}}\n```\n'


def _blocks(folder: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [
        (name.strip('"'), body)
        for file in sorted(folder.glob("*.tf"))
        for block in hcl2.loads(file.read_text(encoding="utf-8")).get(kind, [])
        for name, body in block.items()
    ]
    return sorted(blocks, key=lambda block: block[0])


def _input(block: tuple[str, dict[str, Any]]) -> str:
    name, body = block
    kind = str(body["type"]).removeprefix("${").removesuffix("}")
    default = f"`{_literal(body['default'])}`" if "default" in body else "required"
    return f"| `{name}` | {_text(body['description'])}<br>`{_cell(kind)}` | {_cell(default)} |\n"


def _output(block: tuple[str, dict[str, Any]]) -> str:
    name, body = block
    return f"| `{name}` | {_text(body['description'])} |\n"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def _text(quoted: str) -> str:
    return _cell(quoted.strip('"').replace('\\"', '"'))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "&#124;").split())


def main() -> int:
    """Write the pages, or compare them."""
    folders = sorted(file.parent for file in _TERRAFORM.rglob("README.md") if (file.parent / "variables.tf").exists())
    stale = [folder for folder in folders if page(folder) != (folder / "README.md").read_text(encoding="utf-8")]
    if "--check" in sys.argv[1:]:
        for folder in stale:
            print(f"{folder.relative_to(_TERRAFORM.parent)}/README.md is out of date: make format", file=sys.stderr)
        return 1 if stale else 0
    for folder in stale:
        (folder / "README.md").write_text(page(folder), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
