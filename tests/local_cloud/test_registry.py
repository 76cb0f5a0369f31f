"""Images by their names in Artifact Registry, in a real registry, by skopeo."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from .conftest import PLACE, Served, served

_IMAGE = "asia-southeast1-docker.pkg.dev/kikitori-local/images/service"

pytestmark = pytest.mark.skipif(
    not (shutil.which("docker-registry") and shutil.which("skopeo")),
    reason="docker-registry and skopeo are not installed",
)


def _layout(folder: Path, text: str) -> str:
    """An image with one file, as an OCI layout (https://github.com/opencontainers/image-spec)."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("greeting")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text.encode()))
    layer, kind = archive.getvalue(), "application/vnd.oci.image"
    config = {"architecture": "amd64", "os": "linux", "config": {}, "history": []}
    config["rootfs"] = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", **blob(json.dumps(config).encode())},
        "layers": [{"mediaType": f"{kind}.layer.v1.tar+gzip", **blob(gzip.compress(layer, mtime=0))}],
    }
    entry = {"mediaType": manifest["mediaType"], **blob(json.dumps(manifest).encode())}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return str(entry["digest"])


def _skopeo(cloud: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **cloud.environment()}
    # Newer versions read CONTAINERS_REGISTRIES_CONF; Debian's takes the flag alone.
    command = ["skopeo", "--registries-conf", environment["CONTAINERS_REGISTRIES_CONF"], *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_push_and_pull_by_digest(tmp_path: Path) -> None:
    digest = _layout(tmp_path / "one", "hello")
    _layout(tmp_path / "two", "goodbye")
    with served(tmp_path / "state", everything_enabled=True) as cloud:
        push = ("copy", "--dest-tls-verify=false")
        # A registries.conf leads pulls alone to another place: pushes name it.
        here = f"docker://{cloud.url.removeprefix('http://')}/{_IMAGE}:v1"
        early = _skopeo(cloud, *push, f"oci:{tmp_path}/one", here)
        assert "name unknown" in early.stderr
        locations = cloud.client("artifactregistry", "v1").projects().locations()
        body = {"format": "DOCKER", "dockerConfig": {"immutableTags": True}}
        made = locations.repositories().create(parent=PLACE, repositoryId="images", body=body).execute()
        cloud.ended(made, locations.operations())
        assert "UNAUTHORIZED" in _skopeo(cloud, "inspect", "--creds", "me:x", "--tls-verify=false", here).stderr.upper()
        for _ in range(2):
            pushed = _skopeo(cloud, *push, f"oci:{tmp_path}/one", here)
            assert pushed.returncode == 0, pushed.stderr
        moved = _skopeo(cloud, *push, f"oci:{tmp_path}/two", here)
        assert "tag immutability" in moved.stderr
        pulled = _skopeo(cloud, "copy", f"docker://{_IMAGE}@{digest}", f"dir:{tmp_path}/pulled")
        assert pulled.returncode == 0, pulled.stderr
        manifest = (tmp_path / "pulled/manifest.json").read_bytes()
        assert f"sha256:{hashlib.sha256(manifest).hexdigest()}" == digest
