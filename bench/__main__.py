"""Measures, prints a table, and keeps the figures: `python -m bench [GROUP...]`.

Groups that were left out keep the figures that they have from an earlier run on the same day, with their commit.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from bench.figures import Figure
from bench.machine import machine
from bench.scale import SCALES, Scale

GROUPS = ("decode", "first_token", "cold", "quantization", "service", "waiting", "waking", "back_end")
RESULTS = Path(__file__).parent / "results"
_CACHE = Path(".cache/bench")


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"by default all of: {' '.join(GROUPS)}")
    parser.add_argument("--scale", choices=SCALES, help="default: gpu where torch sees one, else cpu")
    arguments = parser.parse_args()
    if unknown := set(arguments.groups) - set(GROUPS):
        parser.error(f"there is no group {' '.join(unknown)}; there are {' '.join(GROUPS)}")
    scale = SCALES[arguments.scale or _largest()]
    record = machine()
    figures: list[Figure] = []
    failed = False
    for group in arguments.groups or GROUPS:
        print(f"{group} ...", file=sys.stderr, flush=True)
        try:
            figures += import_module(f"bench.{group}").measure(scale, _CACHE)
        except Exception:  # the others have taken minutes, and are worth keeping
            traceback.print_exc()
            failed = True
    print(table(figures))
    if scale.name != "toy":
        print(keep(scale, record, figures))
        present()
    return int(failed)


def table(figures: Sequence[Figure]) -> str:
    """The figures for a terminal."""
    lines = []
    for figure in figures:
        verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
        lines.append(f"{figure.name:24} {figure.value:10.4g}  {figure.target or '':10} {verdict}")
        lines += [f"    {name:44} {value:10.4g}" for name, value in figure.parts.items()]
    return "\n".join(lines)


def keep(scale: Scale, record: dict[str, object], figures: Sequence[Figure]) -> Path:
    """Write the result file of today."""
    file = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{scale.name}.json"
    measured = {figure.name: figure.record() for figure in figures}
    if file.exists():
        earlier = json.loads(file.read_text(encoding="utf-8"))
        kept = earlier["figures"].keys() - measured.keys()
        if kept and earlier["machine"]["commit"] != record["commit"]:
            measured = {name: one | {"commit": record["commit"]} for name, one in measured.items()}
            record = earlier["machine"]
        measured = earlier["figures"] | measured
    RESULTS.mkdir(exist_ok=True)
    file.write_text(json.dumps({"machine": record, "figures": measured}, indent=2) + "\n", encoding="utf-8")
    return file


def present() -> None:
    """Write the page and its picture anew."""
    from bench import page, picture  # the picture needs matplotlib, which only `make bench` installs

    picture.draw(page.newest())
    page.main([])


def _largest() -> str:
    import torch

    return "gpu" if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    sys.exit(main())
