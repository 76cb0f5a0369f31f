"""The process of an instance: the service itself, or its image, in the environment that Cloud Run gives a container."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.local_cloud.store import Json, Store
from tests.processes import free_port

from .description import Revision, Service, secret

_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"""Lets no container outlive the program that has started it, even if that is killed. Of util-linux."""
_ONLY_QWEN2_AUDIO = "MODEL_REVISION DTYPE QUANTIZATION CACHE_TOKENS TRUST_REMOTE_CODE".split()
WHISPER: Mapping[str, str | None] = {
    "KIKITORI_ENGINE": "whisper",
    "KIKITORI_MODEL": None,
    **{f"KIKITORI_{name}": None for name in _ONLY_QWEN2_AUDIO},
}
"""What makes a revision for Qwen2-Audio run on a machine without a GPU: settings that replace its own; None takes one
away."""


@dataclass(frozen=True)
class Program:
    """What runs in every container. In the command, {port} stands for the port of this machine to listen on."""

    command: tuple[str, ...] = (sys.executable, "-m", "kikitori")
    settings: Mapping[str, str | None] = field(default_factory=lambda: WHISPER)

    @classmethod
    def of_image(cls, image: str) -> Program:
        """An image in this machine's store that has the engine whisper."""
        return cls((sys.executable, "-m", "scripts.image_run", image, "--port", "{port}"))


class Container:
    """A running container that listens, sooner or later, at `origin`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"
        self.ended = asyncio.create_task(process.wait())

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def terminate(self) -> None:
        """SIGTERM."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL, also to what the process started: an image's container is a child of what runs it."""
        if not self.ended.done():
            # It may have ended by itself since: the loop has not heard of it yet.
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(self.pid)
                for each in [*process.children(recursive=True), process]:
                    with suppress(psutil.NoSuchProcess):
                        each.kill()
        await self.ended


async def start(program: Program, service: Service, revision: Revision, store: Store, log: Path) -> Container:
    """Start a container of a revision; what it prints is added to the log.

    Raises:
        LookupError: a secret of its environment is not there.
        OSError: the program is not.
    """
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KIKITORI_")}
    environment |= _environment(program, service, revision, store)
    environment |= {"PORT": str(port), "KIKITORI_HOST": "127.0.0.1"}
    environment |= {"K_SERVICE": service.id, "K_REVISION": revision.name, "K_CONFIGURATION": service.id}
    with log.open("ab") as output:
        # In a session of its own it does not see the terminal's Ctrl-C: it is stopped once, as an instance is.
        process = await asyncio.create_subprocess_exec(
            *_WITH_ITS_PARENT,
            *(part.replace("{port}", str(port)) for part in program.command),
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Container(process, port)


def _environment(program: Program, service: Service, revision: Revision, store: Store) -> dict[str, str]:
    given = {one["name"]: _value(one, service, store) for one in revision.environment}
    merged: dict[str, str | None] = {**given, **program.settings}
    return {name: value for name, value in merged.items() if value is not None}


def _value(variable: Json, service: Service, store: Store) -> str:
    source = variable.get("valueSource")
    return secret(store, service.name, source["secretKeyRef"]) if source else str(variable.get("value", ""))
