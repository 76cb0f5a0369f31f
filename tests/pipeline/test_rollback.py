"""Which deployment the way back leads to."""

from __future__ import annotations

import pytest

from scripts.rollback import earlier
from scripts.site import Release

_PAGES = {name: Release(f"sites/s/versions/{name}", f"kikitori-{name}", f"2030-01-0{name}") for name in "123"}


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        ("", None),
        ("1", None),
        ("12", "1"),
        ("121", "1"),  # was taken back: to go back again changes nothing
        ("123", "2"),
        ("1213", "1"),  # 2 was taken back before 3, and must not return
        ("12131", "1"),
    ],
)
def test_what_was_served_when_the_newest_was_deployed(served: str, expected: str | None) -> None:
    found = earlier([_PAGES[name] for name in reversed(served)])
    assert found == (_PAGES[expected] if expected else None)
