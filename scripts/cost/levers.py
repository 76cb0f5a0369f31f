"""What each thing that can be turned does to money and waiting, with all else as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from scripts.cost.alternatives import OURS, Month, Service, Trace, gpu_month, read_engine
from scripts.cost.clients import Page, simulate
from scripts.cost.simulation import Engine
from scripts.cost.traffic import Recording, Visit

_IDLE_EXITS_S = (300.0, 120.0, 60.0)


def levers(traces: Sequence[Trace], service: Service) -> Iterator[Month]:
    """The deployment as it is, then with one thing changed at a time."""
    engine, _ = read_engine(service.engine)

    def month(name: str, page: Page = OURS, engine: Engine = engine, idle_exit_s: float | None = None) -> Month:
        return gpu_month(name, traces, service, page, engine, idle_exit_s)

    yield month(f"as it is: {service.engine}, wakes at the start, sends while speaking")
    yield month("wakes at the end of a recording", replace(OURS, wakes_at_start=False))
    yield month("sends after the end", replace(OURS, stretch_s=None))
    yield month("both: wakes and sends at the end", replace(OURS, wakes_at_start=False, stretch_s=None))
    for name in ("l4-bfloat16", "l4-int8", "l4-int4"):
        if name != service.engine:
            yield month(name, engine=read_engine(name)[0])
    yield month("one answer at a time (CONCURRENCY=1)", engine=replace(engine, concurrency=1))
    for seconds in _IDLE_EXITS_S:
        yield month(f"IDLE_EXIT_S={seconds:.0f}", idle_exit_s=seconds)


def wait_after_cold_start(cold_start_s: float, spoken_s: float, page: Page, service: Service) -> float:
    """How long one person waits for the text of one recording that finds no instance.

    Args:
        cold_start_s: from the first request until the model answers.
        spoken_s: length of the recording.
        page: how the page behaves.
        service: whose engine it is, but for its cold start.
    """
    engine, _ = read_engine(service.engine)
    cold = replace(engine, provisioning_s=cold_start_s / 4, open_s=0.0, load_s=cold_start_s * 3 / 4)
    visit = Visit(0.0, spoken_s, 0, (Recording(0.0, spoken_s, 0),))
    [wait] = simulate([visit], page, cold, service.limits(600)).waits
    return wait.seconds
