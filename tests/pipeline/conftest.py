"""A repository whose pipeline can run: a copy of this one, the local cloud, and what deploys into it."""

from __future__ import annotations

import base64
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.local_cloud.cloud_run.meter import Meter
from tests.local_cloud.cloud_run.running import Options, running
from tests.local_cloud.conftest import PLACE, PROJECT, Served, served
from tests.pipeline.bootstrap import ROOT, SITE, by_clients, by_terraform
from tests.pipeline.github import ISSUER, REQUEST_TOKEN, Tokens
from tests.pipeline.site import site_app
from tests.processes import free_port, serving
from tests.terraform.runs import real_terraform

HERE = Path(__file__).parent
KEY = "0123456789abcdef0123456789abcdef"
_LINKED = (".venv", ".tools", "web/node_modules", "scripts/firebase-tools/node_modules")
"""Made by `make`, and the same in the copy."""
_BUILT = "web/dist"
"""The copy has its own: it is built again when a source changes there, while other tests open the page of this one."""
_ACTIONS = {
    "actions/checkout": "checkout",
    "google-github-actions/auth": "auth",
    "hashicorp/setup-terraform": "setup-terraform",
    "actions/attest-build-provenance": "attest",
}


@dataclass
class Repository:
    """A copy of this repository with a history of its own, and the cloud that it deploys into."""

    folder: Path
    cloud: Served
    site: str
    """Where the page is served."""
    environment: dict[str, str]
    variables: dict[str, str]
    real_terraform: bool
    said: str = field(default="")

    def change(self, path: str, old: str, new: str) -> None:
        """Change a file, and commit that."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.commit()

    def commit(self) -> None:
        """Commit everything."""
        git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-C", str(self.folder)]
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--message", "Change"], check=True)

    def make(self, *arguments: str, **environment: str) -> int:
        """Run make as a person does; `said` is what it says."""
        given = {**os.environ, **self.environment, **self.variables, **self._signed_in(), **environment}
        return self._run(["make", "--no-print-directory", *arguments], given)

    def act(self, workflow: str, event: str = "push") -> int:
        """Run a workflow by act, whose runner is this machine; `said` is what it says."""
        for key, value in self.environment.items():
            assert "\n" not in value, key
        env_file = self.folder.parent / "act.env"
        env_file.write_text("".join(f"{name}={value}\n" for name, value in self.environment.items()))
        command = [str(ROOT / ".venv/bin/act"), event, "--workflows", f".github/workflows/{workflow}"]
        command += [
            "--platform",
            "ubuntu-latest=-self-hosted",
            "--no-skip-checkout",
            "--action-offline-mode",
            "--no-cache-server",
        ]
        command += ["--artifact-server-addr", "127.0.0.1", "--cache-server-addr", "127.0.0.1"]
        command += ["--env-file", str(env_file), "--secret", f"SMOKE_API_KEY={KEY}", "--secret", "GITHUB_TOKEN=none"]
        for action in _uses(self.folder / ".github/workflows" / workflow):
            if folder := _ACTIONS.get(action.partition("@")[0]):
                command += ["--local-repository", f"{action}={HERE / 'actions' / folder}"]
        for name, value in self.variables.items():
            command += ["--var", f"{name}={value}"]
        return self._run(command, {**os.environ, "HOME": self.environment["HOME"], "PATH": self.environment["PATH"]})

    def _signed_in(self) -> dict[str, str]:
        """What a job is signed in by."""
        given = {"PROVIDER": self.variables["IDENTITY_PROVIDER"], "ACCOUNT": self.variables["DEPLOY_ACCOUNT"]}
        environment = {**self.environment, **given, "GITHUB_WORKSPACE": self.environment["HOME"]}
        program = [sys.executable, str(HERE / "actions/auth/write.py")]
        said = subprocess.run(program, env=environment, check=True, capture_output=True, text=True).stdout
        return dict(line.split("=", 1) for line in said.splitlines())

    def _run(self, command: list[str], environment: dict[str, str]) -> int:
        done = subprocess.run(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said = done.stdout
        print(self.said)
        return done.returncode

    def service(self) -> dict[str, Any]:
        """The service as Cloud Run has it."""
        services = self.cloud.client("run", "v2").projects().locations().services()
        found: dict[str, Any] = services.get(name=f"{PLACE}/services/kikitori").execute()
        return found

    def serving(self) -> str:
        """The image of the revision that has the traffic."""
        service = self.service()
        (whole,) = (target for target in service["traffic"] if target.get("percent") == 100)
        name = whole.get("revision") or service["latestReadyRevision"].rpartition("/")[2]
        revisions = self.cloud.client("run", "v2").projects().locations().services().revisions()
        image: str = revisions.get(name=f"{PLACE}/services/kikitori/revisions/{name}").execute()["containers"][0][
            "image"
        ]
        return image

    def page(self) -> str:
        """The version of the page that is served."""
        releases = self.cloud.client("firebasehosting", "v1beta1").projects().sites().channels().releases()
        found = releases.list(parent=f"{PROJECT}/sites/{SITE}/channels/live").execute()["releases"]
        version: str = found[0]["version"]["name"]
        return version


def _uses(workflow: Path) -> list[str]:
    lines = (line.strip().removeprefix("- ") for line in workflow.read_text(encoding="utf-8").splitlines())
    return sorted({line.split()[1] for line in lines if line.startswith("uses: ")})


@pytest.fixture
def meter() -> Meter:
    """Of the cloud that is `signed_in`; nothing has happened there."""
    return Meter()


@pytest.fixture
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meter: Meter) -> Iterator[Served]:
    """A cloud that the scripts of this process call, as its owner."""
    with served(tmp_path / "state", everything_enabled=True, with_registry=False, meter=meter) as here:
        here.lead_here(monkeypatch)
        yield here


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """One whose deployment is prepared, and that has deployed nothing."""
    missing = [name for name in ("buildah", "docker-registry", "skopeo") if not shutil.which(name)]
    if missing or os.getuid():
        pytest.skip(f"deploy.yml is not executed: missing {', '.join(missing) or 'root, for buildah'}")
    folder = tmp_path_factory.mktemp("pipeline")
    state = folder / "state"
    tokens, measured = Tokens(), Meter()
    ports = {name: free_port() for name in ("kikitori", "newest---kikitori")}
    site_port = free_port()
    addresses = {name: f"http://127.0.0.1:{port}" for name, port in {**ports, SITE: site_port}.items()}
    with (
        serving(tokens.app) as github,
        served(state, issuers={ISSUER: tokens.keys}, addresses=addresses, meter=measured) as cloud,
        running(state, ports, measured, Options(provisioning_s=0)),
        serving(site_app(state / "state.sqlite3", SITE), site_port) as site,
    ):
        yield prepared(folder, cloud, site, github)


def prepared(folder: Path, cloud: Served, site: str, github: str) -> Repository:
    """The copy, and in the cloud what bootstrap makes."""
    copy = folder / "repository"
    _copy(copy)
    real = real_terraform()
    programs = folder / "bin"
    programs.mkdir()
    environment = cloud.environment() | {
        "HOME": str(folder / "home"),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "UNDER_TEST": str(copy),
        "LOCAL_CLOUD": cloud.url,
        "CONTAINER_ANALYSIS_API_URL": f"{cloud.url}/containeranalysis.googleapis.com",
        "LOGGING_API_URL": f"{cloud.url}/logging.googleapis.com",
        "MONITORING_API_URL": f"{cloud.url}/monitoring.googleapis.com",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{github}/token?api-version=2",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        "ATTESTED": str(folder / "attested"),
        "STANDIN_STATE": str(folder / "standin.json"),
        "ENGINE": "whisper",
        "BASE": "scratch",
    }
    # Nobody signs in but by what the job itself was given.
    del environment["GOOGLE_OAUTH_ACCESS_TOKEN"]
    (folder / "home").mkdir()
    outputs = by_terraform(folder, cloud) if real else by_clients(cloud)
    if real:
        environment["TF_CLI_CONFIG_FILE"] = os.environ.get("TF_CLI_CONFIG_FILE", "")
    _terraform(programs / "terraform", cloud, real=real)
    data = base64.b64encode(KEY.encode()).decode()
    secrets = cloud.client("secretmanager", "v1").projects().secrets()
    secrets.addVersion(parent=f"{PROJECT}/secrets/kikitori-api-keys", body={"payload": {"data": data}}).execute()
    variables = {
        "STATE_BUCKET": outputs["state_bucket"],
        "IDENTITY_PROVIDER": outputs["identity_provider"],
        "PLAN_ACCOUNT": outputs["plan_account"],
        "DEPLOY_ACCOUNT": outputs["deploy_account"],
        "IMAGE_ADDRESS": f"{cloud.url.removeprefix('http://')}/{outputs['image_address']}",
        "BOOTSTRAP_TFVARS": outputs["app_tfvars"],
        "APP_TFVARS": app_tfvars(site),
    }
    return Repository(copy, cloud, site, environment, variables, real)


def app_tfvars(site: str, settings: str = "") -> str:
    """What a deployment decides for itself."""
    return f"""
access = {{ public = true, auth = "api-key", origins = ["{site}"] }}
secrets = {{ KIKITORI_API_KEYS = {{ secret = "kikitori-api-keys" }} }}
deletion_protection = false
settings = {{ {settings} }}
"""


def _copy(copy: Path) -> None:
    """The files of this repository, with an image that is the code alone: tests/container builds the whole one."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    for name in _LINKED:
        (copy / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / _BUILT, copy / _BUILT)
    (copy / "service/Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nARG ENGINE\nCOPY src /app\n")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(copy)], check=True)
    ignored = "".join(f"/{name}\n" for name in _LINKED)
    (copy / ".git/info/exclude").write_text(ignored)
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-C", str(copy)]
    subprocess.run([*git, "remote", "add", "origin", "https://github.com/owner/name.git"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "Begin"], check=True)


def _terraform(program: Path, cloud: Served, *, real: bool) -> None:
    """It is told an image's name without the address of the registry that stands for Google's here."""
    if real:
        command = str(shutil.which("terraform"))
    else:
        print("STAND-IN: the real provider is not here, so Terraform's own step is replaced")
        path = shlex.quote(str(ROOT))
        command = f"env PYTHONFAULTHANDLER=1 PYTHONPATH={path} {sys.executable} -m tests.pipeline.terraform_standin"
    address = cloud.url.removeprefix("http://")
    program.write_text(f'#!/bin/bash\nexec {command} "${{@/-var=image={address}\\//-var=image=}}"\n')
    program.chmod(0o755)
