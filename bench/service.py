"""What the service adds to its engine: the time to its port, and HTTP, decoding and scheduling around an answer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from bench.contestants import QUESTION, Contestant, Kikitori, noise
from bench.figures import Figure
from bench.scale import SCALES, Scale
from bench.weights import weights
from tests.chat import asking
from tests.processes import running_service
from tests.speech import wav

_REQUESTS = 20
_TOKENS = 2


def measure(scale: Scale, cache: Path) -> list[Figure]:
    """The real process over real HTTP, beside the engine alone.

    The model is the smallest: its answers are short enough that what is added to them shows.
    """
    model = weights(SCALES["toy"].decoding, cache)
    settings: dict[str, Any] = {"ENGINE": "qwen2-audio", "MODEL": str(model), "DTYPE": "bfloat16"}
    with tempfile.TemporaryDirectory() as logs:
        return [_open_port(scale, Path(logs), settings), _http_overhead(scale, Path(logs), settings)]


def _open_port(scale: Scale, logs: Path, settings: dict[str, Any]) -> Figure:
    seconds = []
    for _ in range(1 + scale.rounds):
        began = monotonic()
        with running_service(logs, **settings) as service:
            seconds.append(monotonic() - began)
            service.until_ready()
    return Figure("open_port_s", seconds[1:], at_most=1)


def _http_overhead(scale: Scale, logs: Path, settings: dict[str, Any]) -> Figure:
    sound = noise(10)
    messages = asking(QUESTION, wav(sound))
    direct: list[float] = []
    served: list[float] = []
    with (
        running_service(logs, **settings) as service,
        service.client() as client,
        Contestant(Kikitori, Path(settings["MODEL"])) as kikitori,
    ):
        service.until_ready()
        for _ in range(_REQUESTS * scale.rounds):
            direct.append(kikitori.ask(Kikitori.answer, [sound], _TOKENS).arrivals[0][-1])
            began = monotonic()
            client.chat.completions.create(model="qwen2-audio", messages=messages, max_tokens=_TOKENS)
            served.append(monotonic() - began)
    warm = len(direct) // 10
    return Figure(
        "http_overhead_ms",
        [1e3 * (median(served[warm:]) - median(direct[warm:]))],
        at_most=10,
        parts={"http_ms": 1e3 * median(served[warm:]), "engine_ms": 1e3 * median(direct[warm:])},
    )
