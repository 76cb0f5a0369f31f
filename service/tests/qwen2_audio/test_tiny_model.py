"""The model that the other tests rely on can do what they rely on."""

from __future__ import annotations

from pathlib import Path

from service.tests.tiny_model.evaluate import Listener, measure


def test_it_hears_unheard_voices(tiny: Path) -> None:
    assert measure(Listener(tiny), count=40, recordings=0, full=False).misses == []


def test_it_is_small(tiny: Path) -> None:
    assert sum(file.stat().st_size for file in tiny.iterdir()) < 6_000_000
