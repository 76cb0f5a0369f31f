"""The whole deployment in a scratch project of Google Cloud: applied, looked at from outside, destroyed.

`make live-test` runs it, never `make test`. It needs credentials with rights on the project and its billing account, an
image that was pushed, weights in a folder, and consent to the cost:

    LIVE_PROJECT=... LIVE_NUMBER=... LIVE_BILLING_ACCOUNT=... LIVE_SITE=... LIVE_REGION=asia-southeast1
    LIVE_IMAGE=...@sha256:... LIVE_WEIGHTS=/models/qwen2-audio-int8 LIVE_CONSENT="I pay for this"

Firebase stays on the project for good: take one that may be deleted afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from scripts.smoke import try_service
from tests.terraform.runs import Configuration

_COST = (
    "This starts one L4 with 4 vCPU and 16 GiB for about half an hour, and stores the weights meanwhile: with the "
    "prices of us-central1, 0.0002907 USD a second, about 0.52 USD, and a tail of up to 15 minutes, 0.26 USD, for each "
    "further call."
)
_NEEDED = ("PROJECT", "NUMBER", "BILLING_ACCOUNT", "SITE", "REGION", "IMAGE", "WEIGHTS", "CONSENT")


@pytest.fixture(scope="module")
def given() -> dict[str, str]:
    """What the environment says; skips where it does not."""
    values = {name: os.environ.get(f"LIVE_{name}", "") for name in _NEEDED}
    missing = [f"LIVE_{name}" for name, value in values.items() if not value]
    print(_COST)
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    if values["CONSENT"] != "I pay for this":
        pytest.fail('LIVE_CONSENT must be "I pay for this"')
    return values


@pytest.fixture(scope="module")
def deployed(given: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The outputs of app, and the key that opens it; everything is destroyed afterwards."""
    configuration = Configuration(tmp_path_factory.mktemp("live"))
    bootstrap, app = configuration.root / "bootstrap", configuration.root / "app"
    # The state stays here: a bucket that holds its own state cannot be destroyed in one go.
    (app / "local_override.tf").write_text('terraform {\n  backend "local" {}\n}\n', encoding="utf-8")
    key, stored = secrets.token_urlsafe(24), ""
    _write(
        bootstrap,
        project={"id": given["PROJECT"], "number": given["NUMBER"]},
        region=given["REGION"],
        site_id=given["SITE"],
        budget={"billing_account": given["BILLING_ACCOUNT"], "units": 5, "emails": ["nobody@example.com"]},
        github={"repository": {"id": "1", "owner_id": "1"}},
        weights_writers=[_operator()],
    )
    try:
        outputs = _apply(bootstrap)
        (app / "bootstrap.auto.tfvars").write_text(outputs["app_tfvars"], encoding="utf-8")
        stored = outputs["weights_url"]
        _do("gcloud", "storage", "rsync", "--recursive", given["WEIGHTS"], f"{stored}/live")
        digest = f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
        add = ("gcloud", "secrets", "versions", "add", outputs["secret"], f"--project={given['PROJECT']}")
        _do(*add, "--data-file=-", text=digest)
        _write(
            app,
            image=given["IMAGE"],
            weights_folder="live",
            access={"public": True, "auth": "api-key"},
            secrets={"KIKITORI_API_KEYS": {"secret": outputs["secret"]}},
            deletion_protection=False,
        )
        yield {**_apply(app), "key": key, "folders": [bootstrap, app]}
    finally:
        clean_up(bootstrap, app, stored)


def clean_up(bootstrap: Path, app: Path, stored: str) -> None:
    """Destroy everything; each step is taken, whatever becomes of those before it.

    Args:
        bootstrap: the root's folder, with its state.
        app: likewise.
        stored: address of the weights' bucket, or "" where there is none.

    Raises:
        subprocess.CalledProcessError: a step failed.
    """
    with ExitStack() as steps:  # the last one first
        for folder in (bootstrap, app):
            if (folder / "terraform.tfstate").exists():
                steps.callback(_do, "terraform", "destroy", "-auto-approve", "-input=false", folder=folder)
        if stored:  # a bucket that holds something cannot be destroyed
            steps.callback(_do, "gcloud", "storage", "rm", "--recursive", "--all-versions", f"{stored}/**")


def test_page_of_the_site_and_nobody_else_gets_an_answer(deployed: dict[str, Any], given: dict[str, str]) -> None:
    page = f"https://{given['SITE']}.web.app"
    try_service(deployed["url"], key=deployed["key"], page=page)
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    refused = httpx.options(f"{deployed['url']}/v1/warmup", headers=asks)
    assert "access-control-allow-origin" not in refused.headers


def test_a_plan_finds_nothing_to_change(deployed: dict[str, Any]) -> None:
    for folder in deployed["folders"]:
        _do("terraform", "plan", "-detailed-exitcode", folder=folder)  # its status is 2 where something would change


def _operator() -> str:
    """Who uploads the weights: the account that gcloud uses, as a member of a policy."""
    account = _do("gcloud", "auth", "list", "--filter=status:ACTIVE", "--format=value(account)").strip()
    return f"{'serviceAccount' if account.endswith('.gserviceaccount.com') else 'user'}:{account}"


def _write(folder: Path, **values: Any) -> None:
    (folder / "terraform.tfvars.json").write_text(json.dumps(values), encoding="utf-8")


def _apply(folder: Path) -> dict[str, Any]:
    _do("terraform", "init", "-input=false", folder=folder)
    _do("terraform", "apply", "-auto-approve", "-input=false", folder=folder)
    outputs = json.loads(_do("terraform", "output", "-json", folder=folder))
    return {name: output["value"] for name, output in outputs.items()}


def _do(*command: str, folder: Path | None = None, text: str | None = None) -> str:
    print("+", *command, flush=True)
    done = subprocess.run(command, cwd=folder, input=text, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout
