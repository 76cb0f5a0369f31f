"""Images by their names in Artifact Registry, in a real registry, by skopeo."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.oci import layout, push
from tests.processes import free_port, until

from .conftest import PLACE, Served, served, template
from .store import Json

_IMAGE = "asia-southeast1-docker.pkg.dev/kikitori-local/images/service"

pytestmark = pytest.mark.skipif(
    not (shutil.which("docker-registry") and shutil.which("skopeo")),
    reason="docker-registry and skopeo are not installed",
)


def _skopeo(cloud: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **cloud.environment()}
    # Newer versions read CONTAINERS_REGISTRIES_CONF; Debian's takes the flag alone.
    command = ["skopeo", "--registries-conf", environment["CONTAINERS_REGISTRIES_CONF"], *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def _make(cloud: Served, repository: str, **body: Any) -> None:
    locations = cloud.client("artifactregistry", "v1").projects().locations()
    made = locations.repositories().create(parent=PLACE, repositoryId=repository, body={"format": "DOCKER", **body})
    cloud.ended(made.execute(), locations.operations())


def test_service_with_an_image_that_was_not_pushed(tmp_path: Path) -> None:
    """Nor is it there after its repository was deleted, nor in another of the same name."""
    digest = layout(tmp_path / "one", "hello")
    with served(tmp_path / "state", everything_enabled=True) as cloud:
        run = cloud.client("run", "v2").projects().locations()

        def deployed(name: str, image: str) -> Json:
            body = {"template": template(container__image=image)}
            return cloud.ended(
                run.services().create(parent=PLACE, serviceId=name, body=body).execute(), run.operations()
            )

        missing = deployed("missing", f"{_IMAGE}@{digest}")["error"]
        assert (missing["code"], missing["message"]) == (5, f"Image '{_IMAGE}@{digest}' not found.")
        service = run.services().get(name=f"{PLACE}/services/missing").execute()
        assert service["terminalCondition"]["state"] == "CONDITION_FAILED"
        _make(cloud, "images")
        assert _push(cloud, tmp_path / "one", f"{_IMAGE}:v1").returncode == 0
        for name, image in {"tagged": f"{_IMAGE}:v1", "pinned": f"{_IMAGE}@{digest}"}.items():
            assert "error" not in deployed(name, image)
        repositories = cloud.client("artifactregistry", "v1").projects().locations().repositories()
        repositories.delete(name=f"{PLACE}/repositories/images").execute()
        _make(cloud, "images")
        assert "not found" in deployed("deleted", f"{_IMAGE}@{digest}")["error"]["message"]
        assert "manifest unknown" in _skopeo(cloud, "inspect", f"docker://{_IMAGE}@{digest}").stderr


def test_push_to_what_keeps_no_images(tmp_path: Path) -> None:
    layout(tmp_path / "one", "hello")
    place = _IMAGE.rpartition("/images/")[0]
    with served(tmp_path / "state", everything_enabled=True) as cloud:
        _make(cloud, "packages", format="NPM")
        _make(cloud, "images")
        for name in ("packages/image", "none/image", "images"):
            assert "name unknown" in _push(cloud, tmp_path / "one", f"{place}/{name}:v1").stderr


def test_registry_ends_with_a_cloud_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.local_cloud", "--port", str(free_port()), "--state", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as cloud:
        assert cloud.stdout is not None
        until(lambda: "listens at" in cloud.stdout.readline())  # type: ignore[union-attr]
        [registry] = psutil.Process(cloud.pid).children()
        cloud.kill()
    # Nobody may be there to take note of its end.
    until(lambda: not registry.is_running() or registry.status() == psutil.STATUS_ZOMBIE)


def _push(cloud: Served, image: Path, name: str) -> subprocess.CompletedProcess[str]:
    return push(image, f"{cloud.url.removeprefix('http://')}/{name}", cloud.environment())


def test_push_and_pull_by_digest(tmp_path: Path) -> None:
    digest = layout(tmp_path / "one", "hello")
    layout(tmp_path / "two", "goodbye")
    with served(tmp_path / "state", everything_enabled=True) as cloud:
        here = f"docker://{cloud.url.removeprefix('http://')}/{_IMAGE}:v1"
        _make(cloud, "images", dockerConfig={"immutableTags": True})
        assert "UNAUTHORIZED" in _skopeo(cloud, "inspect", "--creds", "me:x", "--tls-verify=false", here).stderr.upper()
        for _ in range(2):
            pushed = _push(cloud, tmp_path / "one", f"{_IMAGE}:v1")
            assert pushed.returncode == 0, pushed.stderr
        moved = _push(cloud, tmp_path / "two", f"{_IMAGE}:v1")
        assert "tag immutability" in moved.stderr
        pulled = _skopeo(cloud, "copy", f"docker://{_IMAGE}@{digest}", f"dir:{tmp_path}/pulled")
        assert pulled.returncode == 0, pulled.stderr
        manifest = (tmp_path / "pulled/manifest.json").read_bytes()
        assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == digest
