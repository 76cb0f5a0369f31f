"""Terraform's commands of docs/operations.md, as they stand there and in their order, by the real providers."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.documents.commands import proof
from tests.documents.pages import ROOT, page
from tests.local_cloud.call import Project
from tests.local_cloud.conftest import PROJECT, Served, served

_ANSWERS = f"""
project = {{ id = "{Project.id}", number = "{Project.number}" }}
site_id = "kikitori-speech"
budget  = {{ billing_account = "{Project.billing_account}", units = 30, emails = ["ops@example.com"] }}
"""
_IMAGE = f"asia-southeast1-docker.pkg.dev/{Project.id}/kikitori/kikitori@sha256:{'0' * 64}"
_DEPLOY = f"""terraform -chdir=terraform/app init -backend-config=bucket=$STATE_BUCKET
terraform -chdir=terraform/app apply -var image={_IMAGE}"""
"""What `make deploy` asks of Terraform; the whole of it is tested with the pipeline."""
_WITHOUT_QUESTIONS = {
    "TF_INPUT": "0",
    "TF_CLI_ARGS": "-no-color",
    "TF_CLI_ARGS_init": "-force-copy",
    "TF_CLI_ARGS_apply": "-auto-approve -parallelism=50",
    "TF_CLI_ARGS_destroy": "-auto-approve -parallelism=50",
}


class Terminal:
    """An operator's, in a copy of the repository."""

    def __init__(self, folder: Path, cloud: Served) -> None:
        self.folder = folder
        self._environment = {**os.environ, **cloud.environment(), **_WITHOUT_QUESTIONS}
        kept = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars", "backend.tf")
        shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=kept)
        (folder / "exported").touch()

    def run(self, command: str) -> tuple[int, str]:
        """Status of a command, which sees what earlier ones exported, and what it says."""
        lines = f"exec 2>&1; . ./exported\n{command} || exit 1\nexport -p > exported"
        done = subprocess.run(
            ["sh", "-c", lines], cwd=self.folder, env=self._environment, check=False, stdout=subprocess.PIPE, text=True
        )
        return done.returncode, f"{command}\n{done.stdout}"

    def __call__(self, command: str) -> None:
        """Run a command that must succeed."""
        status, said = self.run(command)
        assert status == 0, said


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")
def test_terraform_from_the_first_apply_to_the_last_destroy(tmp_path: Path) -> None:
    here = "tests/documents/test_operations.py::test_terraform_from_the_first_apply_to_the_last_destroy"
    with served(tmp_path / "state", with_registry=False) as cloud:
        terminal = Terminal(tmp_path / "repository", cloud)
        if terminal.run("terraform -chdir=terraform/bootstrap init -backend=false")[0]:
            pytest.skip("neither a mirror nor the registry has the google providers")
        for command in page("docs/operations.md").commands:
            if proof(command) != here:
                continue
            match command:
                case "terraform -chdir=terraform/app output":
                    _store_a_key(cloud)
                    terminal(_DEPLOY)
                case "terraform -chdir=terraform/bootstrap destroy":
                    cloud.empty(f"{Project.id}-terraform")
            terminal(command)
            _answer(terminal.folder / "terraform", command)


def _answer(folder: Path, command: str) -> None:
    """Edit what was copied, as the page says."""
    match command.split():
        case ["cp", _, "terraform/bootstrap/terraform.tfvars"]:
            (folder / "bootstrap/answers.auto.tfvars").write_text(_ANSWERS)
        case ["cp", _, "terraform/app/terraform.tfvars"]:
            copied = folder / "app/terraform.tfvars"
            text = copied.read_text()
            copied.write_text(text[text.index("weights_folder") :])


def _store_a_key(cloud: Served) -> None:
    body = {"payload": {"data": base64.b64encode(b"key").decode()}}
    secrets = cloud.client("secretmanager", "v1").projects().secrets()
    secrets.addVersion(parent=f"{PROJECT}/secrets/kikitori-api-keys", body=body).execute()
