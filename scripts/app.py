"""terraform/app: what is deployed, and how that is changed."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.programs import ProgramError, run

_FOLDER = Path(__file__).parent.parent / "terraform" / "app"
_GIVEN = {"BOOTSTRAP_TFVARS": "bootstrap.auto.tfvars", "APP_TFVARS": "terraform.tfvars"}
"""Files of variables that a pipeline has in its environment; a person has the files."""


@dataclass(frozen=True)
class App:
    """The root with its state in a bucket. Every method raises ProgramError where Terraform fails."""

    state_bucket: str
    folder: Path = _FOLDER

    def begin(self) -> None:
        """Write the variables that the environment has, fetch the providers, and find the state."""
        if not self.state_bucket:
            raise ProgramError(
                "No bucket of Terraform's state is named: "
                "STATE_BUCKET=$(terraform -chdir=terraform/bootstrap output -raw state_bucket)"
            )
        for name, file in _GIVEN.items():
            if text := os.environ.get(name):
                (self.folder / file).write_text(text, encoding="utf-8")
        self._run("init", "-input=false", "-reconfigure", f"-backend-config=bucket={self.state_bucket}")

    def outputs(self) -> dict[str, Any]:
        """The outputs by name; empty before the first apply."""
        listed = json.loads(self._run("output", "-json", capture=True))
        return {name: output["value"] for name, output in listed.items()}

    def apply(self, image: str, *, serving: str | None = None) -> None:
        """Deploy an image by digest. It gets all traffic, or none of it while the revision `serving` keeps serving."""
        self._run("apply", "-input=false", "-auto-approve", *_variables(image, serving))
        # The provider tells an update's outputs as they were before it; reading the state again tells the new ones.
        self._run("apply", "-input=false", "-auto-approve", "-refresh-only", *_variables(image, serving))

    def plan(self, image: str, *, serving: str | None = None) -> dict[str, Any]:
        """What deploying an image would change, as `terraform show -json` writes it.

        The state is read without a lock, for which an identity that only reads has no right. The format:
        https://developer.hashicorp.com/terraform/internals/json-format
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "plan")
            self._run("plan", "-input=false", "-lock=false", f"-out={file}", *_variables(image, serving))
            planned: dict[str, Any] = json.loads(self._run("show", "-json", str(file), capture=True))
            return planned

    def _run(self, *arguments: str, capture: bool = False) -> str:
        return run("terraform", f"-chdir={self.folder}", *arguments, capture=capture)


def is_digest(image: str) -> bool:
    """Whether it names an image by digest."""
    return re.fullmatch(r"[^@]+@sha256:[0-9a-f]{64}", image) is not None


def _variables(image: str, serving: str | None) -> tuple[str, str]:
    traffic = {} if serving is None else {"newest_percent": 0, "serving": serving}
    return f"-var=image={image}", f"-var=traffic={json.dumps(traffic)}"
