"""The ways to have the same recordings understood, and what each costs and lets people wait in a month."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

from scripts.cost.clients import Outcome, Page, Wait, simulate
from scripts.cost.prices import Machine, api_price, instance_price, request_price
from scripts.cost.scaling import Limits
from scripts.cost.simulation import Engine
from scripts.cost.traffic import DAY_S, Visit

RETENTION_S = (600.0, 900.0)
"""How long an idle instance is kept: at most 10 minutes with a GPU, 15 by Google's general text. No minimum is
promised, so each is what it costs at most."""
MONTH_S = 730 * 3600.0
_ENGINES = Path(__file__).parent / "engines.toml"
_CPU_RETENTION_S = 900.0
OURS = Page()
TO_SEND_AFTER = Page(wakes_at_start=False, stretch_s=None)


@dataclass(frozen=True, slots=True)
class Trace:
    """Visits of so many days."""

    visits: Sequence[Visit]
    days: float
    lost: int = 0
    """Recordings that are described and were not drawn, for everybody was recording already."""

    @property
    def per_month(self) -> float:
        """How many of it make a month."""
        return MONTH_S / (self.days * DAY_S)


@dataclass(frozen=True, slots=True)
class Service:
    """The deployment that is reckoned with; the defaults are Terraform's and this project's."""

    region: str = "asia-southeast1"
    machine: Machine = field(default_factory=Machine)
    engine: str = "l4-int8"
    max_instances: int = 1
    places: int = 40
    """Requests that Cloud Run lets into an instance: those that run, wait, or watch."""
    timeout_s: float = 360.0

    def limits(self, retention_s: float) -> Limits:
        """Of its revision."""
        return Limits(self.places, 0, self.max_instances, self.timeout_s, retention_s)


@dataclass(frozen=True, slots=True)
class Month:
    """What one way takes in a month, in US dollars without the free tier, and in seconds.

    What is no range is the mean of the draws of the traffic, with 10 minutes of retention.
    """

    name: str
    usd: float
    usd_range: tuple[float, float]
    """From the cheapest draw of the traffic with 10 minutes of retention to the dearest one with 15."""
    note: str
    instance_s: float = 0.0
    gpu_s: float = 0.0
    """Of the instance, in which an answer was under way."""
    idle_share: float = 0.0
    waking_share: float = 0.0
    """Of the instance, in which it did nothing, or loaded."""
    starts: float = 0.0
    unused_starts: float = 0.0
    """Instances, and those of them that never answered anything."""
    wait_median_s: float | None = None
    wait_p95_s: float | None = None
    """From the press on stop to the text; None where nobody waited, or nothing here tells it."""
    refused: dict[int, float] = field(default_factory=dict)
    """Requests that Cloud Run answered in place of an instance, by status."""

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_engine(name: str) -> tuple[Engine, str]:
    """An engine of engines.toml, and what its numbers are based on.

    Raises:
        KeyError: there is none of that name.
    """
    described = dict(tomllib.loads(_ENGINES.read_text(encoding="utf-8"))[name])
    basis = described.pop("basis")
    return Engine(**described), basis


def gpu_engines() -> list[str]:
    """Those of engines.toml that an instance with the GPU can have."""
    return [name for name in tomllib.loads(_ENGINES.read_text(encoding="utf-8")) if name.startswith("l4-")]


def months(traces: Sequence[Trace], service: Service) -> Iterator[Month]:
    """All ways, this project's first.

    Raises:
        PriceError: a price is not known.
    """
    engine, _ = read_engine(service.engine)
    yield gpu_month("Kikitori", traces, service, OURS, engine)
    yield _always_on(traces, service, engine)
    # Their pages come from the instance, and are there when the model is: it is loaded as the program begins. What an
    # open one holds was seen in bench/open_page.py.
    behind = replace(engine, open_s=engine.load_s)
    plain = replace(TO_SEND_AFTER, served_by_instance=True)
    yield gpu_month("Gradio", traces, service, plain, behind)
    yield gpu_month("Gradio with session state", traces, service, replace(plain, holds=True, holds_again=False), behind)
    yield gpu_month("Streamlit", traces, service, replace(plain, holds=True), behind)
    yield _cpu("CPU only, Qwen2-Audio", traces, service, "cpu-qwen2-audio", Machine(8, 32, None))
    yield _cpu("CPU only, Whisper tiny.en", traces, service, "cpu-whisper-tiny", Machine(2, 4, None))
    yield _api(traces)


def gpu_month(
    name: str,
    traces: Sequence[Trace],
    service: Service,
    page: Page,
    engine: Engine,
    idle_exit_s: float | None = None,
) -> Month:
    """An instance with a GPU that scales to zero; it is billed for its whole life."""
    price = instance_price(service.region, service.machine)
    shorter, longer = (
        [simulate(trace.visits, page, engine, service.limits(kept_s), idle_exit_s) for trace in traces]
        for kept_s in RETENTION_S
    )
    usd = [
        [outcome.lives.billed_s * trace.per_month * price.usd for trace, outcome in zip(traces, some, strict=True)]
        for some in (shorter, longer)
    ]
    return _month(name, traces, shorter, usd, price.note)


def _always_on(traces: Sequence[Trace], service: Service, engine: Engine) -> Month:
    price = instance_price(service.region, service.machine)
    always = [
        simulate(trace.visits, OURS, replace(engine, provisioning_s=0, open_s=0, load_s=0), service.limits(900))
        for trace in traces
    ]
    usd = [[MONTH_S * price.usd]]
    month = _month("Always on", traces, always, usd, price.note)
    idle_s = MONTH_S - month.gpu_s
    return replace(
        month, instance_s=MONTH_S, idle_share=idle_s / MONTH_S, waking_share=0.0, starts=0.0, unused_starts=0.0
    )


def _cpu(name: str, traces: Sequence[Trace], service: Service, engine_name: str, machine: Machine) -> Month:
    """An instance without a GPU, billed for its requests; as many of them as are wanted."""
    engine, basis = read_engine(engine_name)
    limits = Limits(engine.concurrency, 0, 10, 3600, _CPU_RETENTION_S)
    outcomes = [simulate(trace.visits, OURS, engine, limits) for trace in traces]
    price = request_price(machine)
    usd = [
        [
            outcome.lives.handling_s * trace.per_month * price.usd
            for trace, outcome in zip(traces, outcomes, strict=True)
        ]
    ]
    month = _month(name, traces, outcomes, usd, f"{price.note}. {basis}")
    return replace(month, gpu_s=0.0)


def _api(traces: Sequence[Trace]) -> Month:
    price = api_price()
    seconds = [
        trace.per_month * sum(one.length_s for visit in trace.visits for one in visit.recordings if one.sent)
        for trace in traces
    ]
    usd = [one * price.usd for one in seconds]
    return Month("API by the minute", mean(usd), (min(usd), max(usd)), note=price.note)


def _month(
    name: str, traces: Sequence[Trace], outcomes: Sequence[Outcome], usd: Sequence[Sequence[float]], note: str
) -> Month:
    every = [value for some in usd for value in some]
    lives = [outcome.lives for outcome in outcomes]
    billed_s = mean(one.billed_s * trace.per_month for trace, one in zip(traces, lives, strict=True))
    all_of_it = sum(one.billed_s for one in lives) or 1.0
    waits = waits_s(wait for outcome in outcomes for wait in outcome.waits)
    return Month(
        name,
        usd=mean(usd[0]),
        usd_range=(min(every), max(every)),
        instance_s=billed_s,
        gpu_s=mean(one.answering_s * trace.per_month for trace, one in zip(traces, lives, strict=True)),
        idle_share=sum(one.idle_s for one in lives) / all_of_it,
        waking_share=sum(one.waking_s for one in lives) / all_of_it,
        starts=mean(one.starts * trace.per_month for trace, one in zip(traces, lives, strict=True)),
        unused_starts=mean(one.unused_starts * trace.per_month for trace, one in zip(traces, lives, strict=True)),
        wait_median_s=waits[0],
        wait_p95_s=waits[1],
        refused={
            status: mean(one.refused[status] * trace.per_month for trace, one in zip(traces, lives, strict=True))
            for status in {status for one in lives for status in one.refused}
        },
        note=note,
    )


def waits_s(waits: Iterable[Wait]) -> tuple[float, float] | tuple[None, None]:
    """The median, and what 19 of 20 stay below; None where nobody waited."""
    seconds = [wait.seconds for wait in waits]
    if not seconds:
        return None, None
    twentieths = quantiles(seconds * 2 if len(seconds) == 1 else seconds, n=20, method="inclusive")
    return twentieths[9], twentieths[18]
