"""The estimate beside the meter of the local Cloud Run, which starts processes and counts real requests."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path

import httpx2 as httpx
import pytest

from scripts.cost.alternatives import TO_SEND_AFTER
from scripts.cost.clients import simulate
from scripts.cost.scaling import Autoscaler, Limits
from scripts.cost.simulation import Engine
from scripts.cost.traffic import Recording, Visit, read_traffic, recordings_of
from tests.cost.working_container import WORK_S
from tests.local_cloud.cloud_run.conftest import Place, place
from tests.local_cloud.cloud_run.container import Program
from tests.local_cloud.cloud_run.running import Options
from tests.processes import until

_LIMITS = Limits(concurrency=2, max_instances=3, timeout_s=300, retention_s=600)
_ENGINE = Engine(provisioning_s=7, open_s=0.5, load_s=0.5, fixed_s=WORK_S, s_per_audio_s=0, concurrency=2, stop_s=0.1)
_MOST = 10
"""Requests of a drawn trace, each of which takes its time."""
_PROGRAM = Program((sys.executable, str(Path(__file__).parent / "working_container.py")), {})


def _day(preset: str) -> list[float]:
    """When the first requests of a preset are made, seconds."""
    recordings = recordings_of(read_traffic(preset).visits(7, seed=3))
    return [one.end_s - recordings[0].start_s + 1 for one in recordings if one.sent][:_MOST]


_TRACES = {
    "a person's days": _day("one-person"),
    "a team's morning": _day("small-team"),
    # More at once than an instance takes: three start, and idle; one of them is asked again.
    "crowds": [1.0] * 6 + [301.0] + [1500.0] * 5,
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A service without any instance."""
    with place(tmp_path_factory.mktemp("cloud"), Options(_PROGRAM)) as made:
        made.deploy(scaling={"maxInstanceCount": _LIMITS.max_instances})
        made.run.leap(7)
        until(lambda: made.run.revisions[-1].ready)
        made.run.leap(601)
        yield made


@pytest.mark.parametrize("name", _TRACES)
def test_the_estimate_is_within_two_percent_of_the_meter(name: str, here: Place) -> None:
    metered_s = _metered(here, _TRACES[name])
    visits = [Visit(at - 1, at, user, (Recording(at - 1, 1, user),)) for user, at in enumerate(_TRACES[name])]
    estimated_s = simulate(visits, TO_SEND_AFTER, _ENGINE, _LIMITS).lives.billed_s
    assert estimated_s == pytest.approx(metered_s, rel=0.02)


def test_an_instance_that_ends_itself_is_billed_no_longer_and_the_next_request_starts_another(here: Place) -> None:
    run = here.run
    billed_s, started = run.billable_s(), len(run.meter.lives)
    with ThreadPoolExecutor(1) as caller:
        for number in range(1, 3):
            answer = caller.submit(here.get, "/last")
            until(lambda: run.revisions[0].scaler.waiting)
            run.leap(7)
            assert answer.result().status_code == 204
            until(lambda: run.pids() == [])
            run.leap(3600)
            assert len(run.meter.lives) == started + number
    assert run.billable_s() - billed_s < 60, "not the ten minutes for which it would have idled"


def _metered(here: Place, asked_at: Sequence[float]) -> float:
    """Billed seconds of requests at these times, until there is no instance again."""
    run = here.run
    [revision] = run.revisions
    begun, billed_s, known = run.clock.now(), run.billable_s(), len(run.meter.requests)
    with ThreadPoolExecutor(len(asked_at)) as callers:
        answers: list[Future[httpx.Response]] = []
        for at, crowd in groupby(asked_at):
            run.leap(max(0.0, begun + at - run.clock.now()))
            answers += [callers.submit(here.get, "/work") for _ in crowd]
            expected = known + len(answers)
            # They have come in, and may be over already.
            until(partial(_came_in, here, revision.scaler, expected))
        run.leap(30)
        assert {answer.result().status_code for answer in answers} == {204}
    run.leap(601)
    assert run.pids() == []
    return run.billable_s() - billed_s


def _came_in(here: Place, scaler: Autoscaler, expected: int) -> bool:
    return len(here.run.meter.requests) + scaler.waiting + scaler.in_flight >= expected
