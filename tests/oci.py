"""A small image that no Dockerfile needs, and its push."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def layout(folder: Path, text: str) -> str:
    """Write an image of one file as an OCI layout (https://github.com/opencontainers/image-spec); gives its digest."""
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


def push(image: Path, address: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Push a layout to a registry on this machine, by its own address: a registries.conf leads only pulls elsewhere."""
    command = ["skopeo", "copy", "--dest-tls-verify=false", f"oci:{image}", f"docker://{address}"]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
