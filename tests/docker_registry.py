"""Debian's `docker-registry`, a real image registry, on the loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import free_port, is_open, until


@contextmanager
def docker_registry(images: Path, own: Path, port: int | None = None) -> Iterator[int]:
    """Serve the images in a folder; `own` is for its settings and its log. Gives its port."""
    port = port or free_port()
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(images.absolute())}, "delete": {"enabled": True}},
        # Whoever stands before it has another address.
        "http": {"addr": f"127.0.0.1:{port}", "relativeurls": True},
    }
    config, log = own / "registry.yml", own / "registry.log"
    config.write_text(json.dumps(settings))  # which is YAML too
    # It ends with this process, however that ends.
    command = ["setpriv", "--pdeathsig", "TERM", "docker-registry", "serve", str(config)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        until(lambda: process.poll() is not None or is_open(port))
        if process.poll() is not None:
            raise RuntimeError(f"docker-registry did not start: {log.read_text()}")
        yield port
    finally:
        process.terminate()
        process.wait()
