"""Plans terraform/app and says in Markdown what would change, and what that does to the worst-case cost.

Only reads. The exit status is 0 whether or not something would change, 1 when Terraform failed, 2 when the command is
wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.app import App, is_digest
from scripts.programs import ProgramError

_SIGNS = {
    ("create",): "will be created",
    ("update",): "will be changed",
    ("delete",): "will be destroyed",
    ("delete", "create"): "**will be destroyed and created anew**",
    ("create", "delete"): "**will be created anew, then the old one destroyed**",
    ("read",): "will be read",
    ("forget",): "will be forgotten",
}
_COSTS = {"idle_usd_per_month": "while nobody calls", "worst_case_usd_per_month": "at worst"}


def deployed_image(app: App) -> str:
    """The digest that is deployed.

    Raises:
        LookupError: nothing is deployed.
    """
    image: str | None = app.outputs().get("image")
    if image is None:
        raise LookupError("Nothing is deployed yet, so there is no image to plan with: name one with --image.")
    return image


def changes(plan: Mapping[str, Any]) -> Iterator[str]:
    """A line for each resource that would change, without values, which may be secret.

    Args:
        plan: as `terraform show -json` writes it.
    """
    for resource in plan.get("resource_changes", []):
        change = resource["change"]
        actions = tuple(change["actions"])
        if actions == ("no-op",):
            continue
        before, after, unknown = (change.get(part) or {} for part in ("before", "after", "after_unknown"))
        names = sorted(
            name for name in {*before, *after, *unknown} if unknown.get(name) or before.get(name) != after.get(name)
        )
        what = f": {', '.join(names)}" if actions == ("update",) else ""
        yield f"- `{resource['address']}` {_SIGNS.get(actions, ' and '.join(actions))}{what}"


def costs(plan: Mapping[str, Any]) -> Iterator[str]:
    """A line for each reckoned cost, before and after."""
    outputs = plan.get("output_changes", {})
    for name, when in _COSTS.items():
        change = outputs.get(name, {})
        before, after = _usd(change.get("before")), _usd(change.get("after"))
        yield f"- {when}: {after}" if before == after else f"- {when}: {before} → **{after}**"
    yield f"\n{outputs.get('cost_note', {}).get('after') or ''}"


def markdown(plan: Mapping[str, Any], image: str) -> str:
    """The whole report."""
    changed = list(changes(plan)) or ["Nothing changes."]
    return "\n".join([f"Planned with `{image}`.", "", *changed, "", "US dollars a month:", *costs(plan), ""])


def _usd(amount: float | None) -> str:
    return "not known" if amount is None else f"{amount:,.2f} USD"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.plan", description=__doc__)
    parser.add_argument("--state", required=True, metavar="BUCKET", help="bucket of Terraform's state")
    parser.add_argument("--image", help="by digest (default: the one that is deployed)")
    parser.add_argument("--to", type=Path, metavar="FILE", help="write the report there too")
    options = parser.parse_args(arguments)
    if options.image and not is_digest(options.image):
        parser.error("--image must end in @sha256: and 64 hexadecimal digits")
    app = App(options.state)
    try:
        app.begin()
        image = options.image or deployed_image(app)
        report = markdown(app.plan(image), image)
    except (ProgramError, LookupError) as error:
        print(error, file=sys.stderr)
        return 1
    print(report)
    if options.to:
        options.to.parent.mkdir(parents=True, exist_ok=True)
        options.to.write_text(report, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
