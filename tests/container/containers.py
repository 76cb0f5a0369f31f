"""Containers of the pulled image, started by runc with what its configuration says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import psutil

from scripts.image_run import Call, runc_command, specification
from tests.container.images import Image
from tests.processes import ServiceProcess, free_port, is_open, until


@dataclass(frozen=True)
class Container:
    """A running container: the service in it, seen from outside; `service.process` is the runtime that started it."""

    service: ServiceProcess
    main: psutil.Process
    to_port_s: float
    command: list[str]
    """Which started it: `runc --root FOLDER run --bundle FOLDER NAME`."""


@contextmanager
def running(image: Image, folder: Path, model: Path | None = None) -> Iterator[Container]:
    """A container on the network of this machine, with its port open; its log is in the folder."""
    port = free_port()
    call = Call.of({"KIKITORI_MODEL": str(model)} if model else {}).here(port)
    log = folder / "container.log"
    begun = monotonic()
    with started(image, call, log) as (process, command):
        until(lambda: process.poll() is not None or is_open(port))
        assert process.poll() is None, log.read_text()
        service = ServiceProcess(f"http://127.0.0.1:{port}", process, log)
        yield Container(service, main_process(command), monotonic() - begun, command)


@contextmanager
def started(
    image: Image, call: Call, log: Path, *, isolated_network: bool = False
) -> Iterator[tuple[subprocess.Popen[bytes], list[str]]]:
    """A container that has just been started, and the command that did it. It is ended if it still runs."""
    with TemporaryDirectory() as bundle:
        spec = specification(image.root, image.config, call, isolated_network=isolated_network)
        command = runc_command(Path(bundle), spec)
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process, command
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                subprocess.run([*command[:3], "delete", "--force", command[-1]], check=False, capture_output=True)
                process.kill()


def main_process(command: list[str]) -> psutil.Process:
    """Process 1 of a container, as soon as there is one."""
    told: list[bytes] = []

    def runs() -> bool:
        state = subprocess.run([*command[:3], "state", command[-1]], check=False, capture_output=True)
        told[:] = [state.stdout]
        return state.returncode == 0 and json.loads(state.stdout)["status"] == "running"

    until(runs)
    return psutil.Process(json.loads(told[0])["pid"])
