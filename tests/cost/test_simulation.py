"""What recordings take of instances, against what can be reckoned by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scripts.cost.alternatives import OURS, TO_SEND_AFTER, Service, Trace, months, read_engine
from scripts.cost.clients import Outcome, Page, open_times, simulate
from scripts.cost.levers import levers, wait_after_cold_start
from scripts.cost.scaling import Limits
from scripts.cost.simulation import Engine
from scripts.cost.traffic import Recording, Visit, read_traffic

ENGINE = Engine(provisioning_s=7, open_s=2, load_s=20, fixed_s=1, s_per_audio_s=0.1)
LIMITS = Limits(concurrency=40, max_instances=1, timeout_s=360, retention_s=600)


def visit(*recordings: tuple[float, float], user: int = 0, open_s: float = 0.0, sent: bool = True) -> Visit:
    """Recordings, each from when and how long, and the page that is open for so long after the last one."""
    made = tuple(Recording(start, length, user, sent) for start, length in recordings)
    return Visit(made[0].start_s, made[-1].end_s + open_s, user, made)


def happen(*visits: Visit, page: Page = OURS, engine: Engine = ENGINE, idle_exit_s: float | None = None) -> Outcome:
    return simulate(visits, page, engine, LIMITS, idle_exit_s)


def test_one_recording_wakes_one_instance_which_is_billed_from_its_start_to_its_end() -> None:
    [wait] = (outcome := happen(visit((1000, 10)), page=replace(OURS, stretch_s=None))).waits
    # Asked for at 1010, the model is there at 1027, and the answer takes 2 s.
    assert (wait.seconds, wait.cold) == (19, True)
    assert outcome.lives.billed_s == 29 - 7 + 600 + 1
    assert (outcome.lives.waking_s, outcome.lives.answering_s) == (20, 2)
    assert outcome.lives.idle_s == pytest.approx(601)
    assert (outcome.lives.starts, outcome.lives.unused_starts) == (1, 0)


def test_waking_at_the_start_hides_the_cold_start_behind_the_recording() -> None:
    late, early = (
        happen(visit((0, 60)), page=replace(OURS, wakes_at_start=wakes, stretch_s=None)).waits[0].seconds
        for wakes in (False, True)
    )
    assert late == 27 + 7
    assert early == 7, "of a cold start shorter than the recording nothing is left"


def test_sending_while_speaking_leaves_the_last_stretch() -> None:
    [wait] = happen(visit((0, 65)), page=replace(OURS, stretch_s=12)).waits
    assert wait.seconds == pytest.approx(1 + 0.5)


def test_a_page_has_three_requests_under_way_at_most() -> None:
    slow = replace(ENGINE, fixed_s=100, s_per_audio_s=0)
    [wait] = happen(visit((0, 48)), page=replace(OURS, stretch_s=12), engine=slow).waits
    # Loaded at 27: three answers until 127, the fourth until 227.
    assert wait.seconds == 227 - 48


def test_what_is_thrown_away_costs_a_warm_up_that_nobody_uses() -> None:
    lives = happen(visit((0, 10), sent=False)).lives
    # The page follows the cold start until the model is loaded; idle begins there.
    assert (lives.starts, lives.unused_starts, lives.unused_s) == (1, 1, 20 + 600 + 1)
    assert happen(visit((0, 10), sent=False), page=replace(OURS, wakes_at_start=False)).lives.starts == 0


def test_an_open_page_of_ours_takes_nothing_and_one_that_holds_a_request_takes_all_the_time() -> None:
    hour = visit((0, 10), open_s=3600)
    held = happen(hour, page=Page(False, None, served_by_instance=True, holds=True)).lives.billed_s
    assert held == pytest.approx(3610 - 7 + 600 + 1, abs=0.2)
    assert happen(hour).lives.billed_s == happen(visit((0, 10))).lives.billed_s


def test_who_only_looks_wakes_no_instance_of_ours_and_one_of_theirs() -> None:
    look = Visit(0, 60, user=0)
    assert happen(look).lives.starts == 0
    lives = happen(look, page=Page(False, None, served_by_instance=True)).lives
    assert (lives.starts, lives.unused_starts) == (1, 1)


def test_who_comes_back_to_an_open_page_has_it_open_once() -> None:
    visits = [visit((0, 10), open_s=100), visit((50, 10), open_s=100), visit((50, 10), user=1)]
    assert list(open_times(visits)) == [(0, 160), (50, 60)]


def test_an_instance_that_ends_itself_is_billed_until_then() -> None:
    lives = happen(visit((0, 10)), idle_exit_s=60).lives
    assert lives.billed_s == pytest.approx(20 + 2 + 60), "it loads, answers, and idles"


def test_an_instance_that_loads_or_is_woken_does_not_end_itself() -> None:
    slow = replace(ENGINE, load_s=100)
    assert happen(visit((0, 10)), idle_exit_s=30, engine=slow).lives.billed_s == 100 + 2 + 30
    # Loaded at 27 and answered at 28; woken at 50, asked at 75, when it would have been gone for 17 s.
    again = happen(visit((0, 1), (50, 25)), page=replace(OURS, stretch_s=None), idle_exit_s=30).lives
    assert again.starts == 1


def test_an_instance_that_ends_itself_while_it_is_asked_goes_on() -> None:
    slow = replace(ENGINE, fixed_s=100)
    lives = happen(visit((0, 10)), idle_exit_s=60, engine=slow).lives
    assert (lives.refused, lives.billed_s) == ({}, 20 + 101 + 60)


def test_request_based_billing_is_for_starting_answering_and_stopping() -> None:
    lives = happen(visit((0, 10)), page=TO_SEND_AFTER).lives
    # Started at 17; open at 19; loaded at 37 and answered at 39; stopping takes 1 s.
    assert lives.handling_s == pytest.approx(22 + 1)


def test_requests_beyond_the_places_are_refused_and_counted() -> None:
    crowd = [visit((0, 5), user=user) for user in range(100)]
    outcome = simulate(crowd, TO_SEND_AFTER, replace(ENGINE, fixed_s=200), Limits(8, 0, 1, 360, 600))
    assert outcome.lives.refused == {429: 100 - 8}
    assert len(outcome.waits) == 8


def test_the_ways_in_a_month_stand_in_the_order_in_which_they_must() -> None:
    traces = [Trace(read_traffic("small-team").visits(7), 7)]
    by_name = {month.name: month for month in months(traces, Service())}
    ours, always = by_name["Kikitori"], by_name["Always on"]
    assert ours.usd < by_name["Streamlit"].usd < always.usd
    assert always.usd == pytest.approx(0.0003115 * 730 * 3600)
    assert ours.usd_range[0] <= ours.usd < ours.usd_range[1], "longer retention costs more"
    assert ours.instance_s * 0.0003115 == pytest.approx(ours.usd)


def test_levers_move_what_they_are_for() -> None:
    traces = [Trace(read_traffic("small-team").visits(7), 7)]
    as_it_is, late, after, _, bfloat16, int4, _, *exits = levers(traces, Service())
    for slower in (late, after, bfloat16):
        assert (slower.wait_p95_s or 0) > (as_it_is.wait_p95_s or 0) > (int4.wait_p95_s or 0)
    assert as_it_is.usd > exits[0].usd > exits[1].usd > exits[2].usd


def test_the_wait_after_a_cold_start_is_what_speaking_does_not_cover() -> None:
    service = Service()
    engine, _ = read_engine(service.engine)
    for spoken_s in (10.0, 100.0):
        early, late = (
            wait_after_cold_start(60, spoken_s, replace(OURS, wakes_at_start=wakes, stretch_s=None), service)
            for wakes in (True, False)
        )
        assert late == pytest.approx(60 + engine.answer_s(spoken_s))
        assert early == pytest.approx(max(0, 60 - spoken_s) + engine.answer_s(spoken_s))
