"""What a back end adds to Whisper, Gradio's and this one: memory, the time to its port, and the time of a request."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic

import httpx2 as httpx
import psutil
from kikitori.audio.clip import Clip
from kikitori.engines import build_engine
from kikitori.engines.protocol import Message, Request, Task
from kikitori.settings import Settings

from bench.contestants import Contestant
from bench.figures import Figure, ratios
from bench.scale import Scale
from bench.script_environment import python_of
from bench.turns import in_turn
from tests.e2e.microphone import speech
from tests.processes import free_port, is_open, running_service, until
from tests.speech import Samples, wav

_APP = Path(__file__).parent / "apps" / "gradio_app.py"
_TIMING = "bench.apps.gradio_timing"
_REQUESTS = 10
_MOST_ROUNDS = 3
"""A round takes a minute."""


@dataclass(frozen=True, slots=True)
class Round:
    """One start of a back end and its first answers: seconds, megabytes of all its processes, milliseconds each."""

    port_s: float
    ready_mb: float
    answered_mb: float
    alone_ms: float
    """Of the same transcription without the back end."""
    http_ms: float
    client_ms: float
    """By the client library that its documentation shows."""


class Whisper:
    """This service's engine by itself."""

    def __init__(self) -> None:
        self._engine = build_engine(Settings())
        self._engine.load(lambda *_: None)

    def transcribe(self, samples: Samples) -> None:
        """Hear a sound to its end."""
        run = self._engine.start(Request(Task.TRANSCRIBE, (Message("user", (Clip(samples),)),)))
        while self._engine.step([run])[0].finish is None:
            pass


def measure(scale: Scale, cache: Path) -> list[Figure]:
    """The two in turn, with the same weights and the same sentence; the first round only warms the disk."""
    python = python_of(_APP)
    with tempfile.TemporaryDirectory() as folder, Contestant(Whisper) as alone:
        sides = [
            partial(_gradio, python=python, folder=Path(folder)),
            partial(_kikitori, alone=alone, folder=Path(folder)),
        ]
        rounds = [[side() for side in sides] for _ in range(1 + min(scale.rounds, _MOST_ROUNDS))][1:]
    gradio, kikitori = ([one[side] for one in rounds] for side in (0, 1))
    return [
        Figure(
            "gradio_memory_ratio",
            ratios([one.answered_mb for one in gradio], [one.answered_mb for one in kikitori]),
            parts=_parts("gradio", gradio) | _parts("kikitori", kikitori),
        ),
        Figure("gradio_port_ratio", ratios([one.port_s for one in gradio], [one.port_s for one in kikitori])),
        Figure("gradio_overhead_ms", [one.client_ms - one.alone_ms for one in gradio]),
        Figure("kikitori_overhead_ms", [one.client_ms - one.alone_ms for one in kikitori]),
    ]


def _parts(name: str, rounds: Sequence[Round]) -> dict[str, float]:
    return {f"{name}_{each.name}": median(getattr(one, each.name) for one in rounds) for each in fields(Round)}


def _gradio(python: str, folder: Path) -> Round:
    file = folder / "speech.wav"
    file.write_bytes(wav(speech()))
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def timed(requests: int) -> dict[str, list[float]]:
        program = [python, "-m", _TIMING, url, str(file), str(requests)]
        told = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
        seconds: dict[str, list[float]] = json.loads(told.stdout)
        return seconds

    began = monotonic()
    with (folder / "gradio.log").open("wb") as log:
        process = subprocess.Popen([python, _APP, str(port)], stdout=log, stderr=log)  # noqa: S603
    try:
        until(lambda: is_open(port) or process.poll() is not None)
        port_s = monotonic() - began
        until(lambda: httpx.get(f"{url}/config").status_code == 200)
        ready_mb = _memory_mb(process.pid)
        timed(1)
        answered_mb = _memory_mb(process.pid)
        return Round(port_s, ready_mb, answered_mb, **_quickest_ms(timed(_REQUESTS)))
    finally:
        process.terminate()
        process.wait()


def _kikitori(alone: Contestant[Whisper], folder: Path) -> Round:
    file = ("speech.wav", wav(speech()))
    began = monotonic()
    with running_service(folder) as service, service.client() as client, httpx.Client(timeout=60) as http:
        port_s = monotonic() - began
        service.until_ready()
        ready_mb = _memory_mb(service.process.pid)

        def by_http() -> None:
            address, form = f"{service.url}/v1/audio/transcriptions", {"model": "whisper-1"}
            http.post(address, data=form, files={"file": file}).raise_for_status()

        by_http()
        answered_mb = _memory_mb(service.process.pid)
        seconds = in_turn(
            _REQUESTS,
            client=lambda: client.audio.transcriptions.create(model="whisper-1", file=file),
            http=by_http,
            alone=lambda: alone.ask(Whisper.transcribe, speech()),
        )
    return Round(port_s, ready_mb, answered_mb, **_quickest_ms(seconds))


def _quickest_ms(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Milliseconds of the quickest of each way: the model's time varies by more than what is added to it."""
    return {f"{name}_ms": 1e3 * min(each) for name, each in seconds.items()}


def _memory_mb(pid: int) -> float:
    """What a process and its children hold; what they share counts once."""
    process = psutil.Process(pid)
    return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True))) / 1e6
