"""Visits made by locust, and what the people waited.

Importing this lets gevent replace the standard library's waiting, as locust wants it: only a program of its own may.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Sequence

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.stats import StatsEntry

from scripts.cost.traffic import Visit
from scripts.loadtest.shape import Replay
from scripts.loadtest.visitor import PERSON, WHOLE_TEXT, Visitor

_TOLD_EVERY_S = 10.0
_PERCENTILES = (0.5, 0.9, 0.95, 0.99)


def replay(service: str, model: str, visits: Sequence[Visit]) -> int:
    """Make the visits, and print what was measured; gives the exit status."""
    shape, ended, interrupted = Replay(visits), Event(), Event()
    Visitor.model = model
    environment = Environment(user_classes=[Visitor], shape_class=shape, host=service)
    runner = environment.create_local_runner()
    gevent.signal_handler(signal.SIGINT, lambda: (interrupted.set(), ended.set()))
    runner.start_shape()
    shaping = runner.shape_greenlet
    assert shaping  # noqa: S101 - for the types
    shaping.link(lambda _: ended.set())
    while not ended.wait(_TOLD_EVERY_S):
        done = environment.stats.get(WHOLE_TEXT, PERSON)
        _say(
            f"{shape.now_s:5.0f} s: {shape.left} of {len(visits)} visits are over, {done.num_requests} recordings are "
            f"done with, {done.num_failures} of them without an answer"
        )
    runner.quit()
    entries = environment.stats.entries.values()
    print("\n".join(_report(entries, shape)))
    for error in environment.stats.errors.values():
        _say(f"{error.occurrences} times, {error.method} {error.name}: {error.error}")
    if interrupted.is_set():
        _say("Stopped; this is what was measured until then.")
        return 130
    if shape.hopeless:
        _say(f"The service takes nothing from here. {shape.hopeless}")
        return 2
    failed = any(entry.num_failures for entry in entries if entry.method == PERSON)
    return 1 if failed or runner.exceptions else 0


def _report(entries: Iterable[StatsEntry], shape: Replay) -> Iterator[str]:
    """A table; times are in seconds, locust keeps two digits of them."""
    yield (
        f"{'':36} {'count':>6} {'failed':>6} "
        + " ".join(f"{f'p{share * 100:g}':>7}" for share in _PERCENTILES)
        + "     max"
    )
    for entry in sorted(entries, key=lambda one: (one.method != PERSON, one.name.startswith(" "), one.name)):
        times = [entry.get_response_time_percentile(share) for share in _PERCENTILES] + [entry.max_response_time]
        name = entry.name if entry.method == PERSON else f"{entry.method} {entry.name}"
        yield f"{name:36} {entry.num_requests:6} {entry.num_failures:6} " + " ".join(
            f"{ms / 1000:7.2f}" for ms in times
        )
    yield f"recordings that began while the service was not ready: {shape.found_asleep}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
