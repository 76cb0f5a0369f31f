"""Runs the service's image as a platform does: read-only, without privileges. What `make image-run` runs.

With Docker where an engine answers; else buildah mounts the image and runc, which Docker too runs containers with,
starts it. Settings come from the environment, as for `make run`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.image import docker_answers

_HERE = "127.0.0.1"
_THE_IMAGES_OWN = ("KIKITORI_ENGINE", "KIKITORI_HOST")


@dataclass(frozen=True)
class Call:
    """What a run adds to its image: settings, and folders of this machine that it may read, by their place inside."""

    settings: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Call:
        """The settings of an environment; a model that is a folder here is shown to the container under its name."""
        settings = {
            name: value
            for name, value in environment.items()
            if name == "HF_TOKEN" or (name.startswith("KIKITORI_") and name not in _THE_IMAGES_OWN)
        }
        model = settings.get("KIKITORI_MODEL")
        if not model or not Path(model).is_dir():
            return cls(settings)
        folder = Path(model).resolve()
        inside = f"/models/{folder.name}"
        return cls({**settings, "KIKITORI_MODEL": inside}, {inside: folder})

    def here(self, port: int) -> Call:
        """The same on the network of this machine, for nobody else to reach."""
        return Call({**self.settings, "KIKITORI_HOST": _HERE, "PORT": str(port)}, self.folders)


def docker_command(image: str, port: int, call: Call) -> list[str]:
    """The command for Docker; values stay in the environment, where no list of processes shows them."""
    command = ["docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]  # noqa: S108
    command += ["--security-opt", "no-new-privileges", "--publish", f"{_HERE}:{port}:8080"]
    if shutil.which("nvidia-smi"):
        command += ["--gpus", "all"]
    for name in call.settings:
        command += ["--env", name]
    for inside, folder in call.folders.items():
        command += ["--volume", f"{folder}:{inside}:ro"]
    return [*command, image]


@contextmanager
def unpacked(image: str, *storage: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The root file system of an image and its configuration, as the Open Container Initiative writes it.

    Args:
        image: a name in buildah's store, or `docker://` and an address.
        storage: options that name another store.

    Raises:
        subprocess.CalledProcessError: buildah has no such image, or may not mount it.
    """

    def buildah(*arguments: str) -> str:
        command = ["buildah", *storage, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    container = buildah("from", "--quiet", "--tls-verify=false", image)
    try:
        inspected = json.loads(buildah("inspect", container))
        yield Path(buildah("mount", container)), inspected["OCIv1"]
    finally:
        buildah("rm", container)


def specification(
    root: Path, config: Mapping[str, Any], call: Call, *, isolated_network: bool = False
) -> dict[str, Any]:
    """What runc is told: the image's own command, user and environment, a read-only root, no privilege at all."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["runc", "spec", "--bundle", folder], check=True)
        spec: dict[str, Any] = json.loads(Path(folder, "config.json").read_text())
    user, group = config["User"].split(":")
    spec["process"] |= {
        "terminal": False,
        "user": {"uid": int(user), "gid": int(group)},
        "args": config["Entrypoint"],
        "env": [*config["Env"], *(f"{name}={value}" for name, value in call.settings.items())],
        "cwd": config["WorkingDir"],
        "capabilities": {},
    }
    spec["root"] = {"path": str(root), "readonly": True}
    spec["mounts"].append(
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]}  # noqa: S108
    )
    for inside, folder_here in call.folders.items():
        spec["mounts"].append(
            {"destination": inside, "type": "bind", "source": str(folder_here), "options": ["rbind", "ro"]}
        )
    if not isolated_network:
        spec["linux"]["namespaces"] = [one for one in spec["linux"]["namespaces"] if one["type"] != "network"]
    return spec


def runc_command(bundle: Path, spec: Mapping[str, Any]) -> list[str]:
    """The command that runs a specification; signals to it reach the service."""
    (bundle / "config.json").write_text(json.dumps(spec))
    return ["runc", "--root", str(bundle / "state"), "run", "--bundle", str(bundle), f"kikitori-{os.getpid()}"]


def run(image: str, port: int, call: Call) -> int:
    """Run the image until it ends; gives its exit status."""
    if docker_answers():
        return _until_it_ends(docker_command(image, port, call), call.settings)
    with unpacked(image) as (root, oci), tempfile.TemporaryDirectory() as bundle:
        return _until_it_ends(runc_command(Path(bundle), specification(root, oci["config"], call.here(port))))


def _until_it_ends(command: Sequence[str], settings: Mapping[str, str] | None = None) -> int:
    """Run the command. In a session of its own it does not see the terminal's Ctrl-C: it is stopped once, from here."""
    with subprocess.Popen(command, env={**os.environ, **(settings or {})}, start_new_session=True) as process:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: process.terminate())
        return process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", help="name of the image, as `make image` gave it")
    parser.add_argument("--port", type=int, default=8000, help="port on this machine (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        return run(options.image, options.port, Call.of(os.environ))
    except FileNotFoundError as error:
        print(f"No Docker engine answers, and {error.filename} is missing.", file=sys.stderr)
    except subprocess.CalledProcessError:
        print(f"{options.image} cannot be run. Build it with `make image`; without Docker, be root.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
