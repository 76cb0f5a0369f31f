"""The page that says what it costs, and the first page, which must say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_first_page_says_what_the_page_says(name: str) -> None:
    page = (_ROOT / "docs/cost.md").read_text(encoding="utf-8")
    [answer] = re.findall(r"\*\*While nobody speaks.*?\*\*", page, re.DOTALL)
    first = (_ROOT / name).read_text(encoding="utf-8")
    figures = re.findall(r"(?:about |on: )(\d+)", " ".join(answer.split()))
    [section] = re.findall(r"^## (?:What it costs|費用)$(.*?)^## ", first, re.DOTALL | re.MULTILINE)
    assert len(figures) == 3
    assert [number for number in re.findall(r"\d+", section) if number in figures] == figures
