"""Cloud Run's rules, driven by hand: who tells what happened, and what is to be done then."""

from __future__ import annotations

import math

import pytest

from scripts.cost.instance import Instance
from scripts.cost.scaling import Answer, Autoscaler, Limits, Send, Start, Stop, wait_limit_s, wanted_instances

GPU = Limits(concurrency=2, max_instances=1, timeout_s=360)


def warm(limits: Limits = GPU, startup_s: float = 10.0) -> Autoscaler:
    """One instance, ready and idle since `startup_s`."""
    scaler = Autoscaler(limits)
    assert scaler.deploy(0) == [Start(0)]
    scaler.started(startup_s / 2, 0)
    scaler.ready(startup_s, 0)
    return scaler


def test_nothing_runs_until_a_request_comes() -> None:
    scaler = Autoscaler(GPU)

    assert scaler.tick(3600) == []
    assert scaler.next_at() == math.inf
    assert scaler.arrived(4000, "a") == [Start(0)]
    assert scaler.started(4007, 0) == []
    assert scaler.ready(4019, 0) == [Send("a", 0)]


def test_those_that_find_a_place_in_a_starting_instance_start_no_other() -> None:
    scaler = Autoscaler(Limits(concurrency=2, max_instances=5))

    assert [scaler.arrived(0, name) for name in "abc"] == [[Start(0)], [], [Start(1)]]
    assert scaler.ready(9, 0) == [Send("a", 0), Send("b", 0)]
    assert scaler.ready(9, 1) == [Send("c", 1)]


def test_an_idle_instance_ends_after_its_retention_and_a_busy_one_never() -> None:
    scaler = warm()
    scaler.arrived(20, "a")
    assert scaler.tick(359) == []
    scaler.finished(360, "a")

    assert scaler.next_at() == 960
    assert scaler.tick(959.9) == []
    assert scaler.tick(960) == [Stop(0)]
    assert scaler.arrived(961, "b") == [Start(1)], "one that is ending takes no requests and no place under the cap"
    scaler.ended(963, 0)
    assert scaler.instances[0].billable_s(5000) == 958
    assert scaler.instances[0].idle_s(5000) == 953 - 340


def test_the_minimum_is_kept_while_there_is_traffic() -> None:
    scaler = warm(Limits(min_instances=1, max_instances=2))

    assert scaler.tick(86400) == []
    assert scaler.receive_traffic(86400, False) == [Stop(0)]


def test_an_instance_of_the_minimum_that_dies_is_replaced() -> None:
    scaler = warm(Limits(min_instances=1, max_instances=2))

    assert scaler.ended(50, 0) == [Start(1)]


def test_the_minimum_does_not_hold_for_what_could_not_start_until_it_can() -> None:
    scaler = Autoscaler(Limits(min_instances=1, max_instances=2))
    assert scaler.deploy(0) == [Start(0)]
    assert scaler.ended(9, 0) == []
    assert scaler.next_at() == math.inf

    assert scaler.arrived(20, "a") == [Start(1)]
    assert scaler.ready(30, 1) == [Send("a", 1)]
    assert scaler.ended(40, 1) == [Answer("a", 503), Start(2)]


def test_a_request_at_the_cap_waits_for_a_place() -> None:
    scaler = warm()
    assert [scaler.arrived(20, name) for name in "abc"] == [[Send("a", 0)], [Send("b", 0)], []]

    assert scaler.finished(21, "b") == [Send("c", 0)]
    assert scaler.finished(21, "nobody's") == []


@pytest.mark.parametrize(("startup_s", "limit_s"), [(10.0, 35.0), (1.0, 10.0)])
def test_a_request_at_the_cap_is_refused_after_its_time(startup_s: float, limit_s: float) -> None:
    scaler = warm(startup_s=startup_s)
    for name in "abc":
        scaler.arrived(20, name)

    assert scaler.next_at() == 20 + limit_s
    assert scaler.tick(20 + limit_s - 0.1) == []
    assert scaler.tick(20 + limit_s) == [Answer("c", 429)]
    assert scaler.waiting == 0
    assert scaler.in_flight == 2


def test_below_the_cap_a_request_waits_for_what_starts() -> None:
    scaler = warm(Limits(concurrency=1, max_instances=9), startup_s=1.0)
    assert [scaler.arrived(20, name) for name in "ab"] == [[Send("a", 0)], [Start(1)]]

    assert not any(isinstance(action, Answer) for at in range(21, 60) for action in scaler.tick(at))
    assert Send("b", 1) in scaler.ready(60, 1)


def test_before_any_start_a_request_waits_until_its_timeout() -> None:
    scaler = Autoscaler(GPU)
    scaler.arrived(0, "a")
    scaler.started(7, 0)

    assert wait_limit_s([]) == math.inf
    assert scaler.tick(359) == []
    assert scaler.tick(360) == [Answer("a", 504)], "the start counts against the timeout"


def test_an_answer_that_takes_too_long_frees_its_place() -> None:
    scaler = warm(Limits(concurrency=1, max_instances=1, timeout_s=5))
    scaler.arrived(20, "a")
    scaler.arrived(21, "b")

    assert scaler.tick(25) == [Answer("a", 504), Send("b", 0)]


def test_a_crash_answers_what_ran_and_starts_anew_for_what_waits() -> None:
    scaler = warm()
    for name in "abc":
        scaler.arrived(20, name)

    assert scaler.ended(22, 0) == [Answer("a", 503), Answer("b", 503), Start(1)]
    assert scaler.instances[0].billable_s(99) == 17


def test_an_instance_that_cannot_start_leaves_nobody_waiting() -> None:
    scaler = Autoscaler(GPU)
    scaler.arrived(0, "a")
    scaler.started(7, 0)

    assert scaler.ended(9, 0) == [Answer("a", 503)]
    assert scaler.next_at() == math.inf


def test_steady_load_above_the_target_starts_an_instance_before_the_first_is_full() -> None:
    scaler = warm(Limits(concurrency=10, max_instances=3))
    for number in range(8):
        scaler.arrived(20, number)

    now = scaler.next_at()
    while now < 100 and not (actions := scaler.tick(now)):
        now = scaler.next_at()

    assert actions == [Start(1)]
    assert 20 + 45 <= now <= 20 + 50, "8 at once for 45 s make 6 at once on average over a minute: 60 % of 10"
    assert wanted_instances(6, scaler.limits) == 1
    assert wanted_instances(12.1, scaler.limits) == 3


def test_the_load_is_spread() -> None:
    scaler = Autoscaler(Limits(concurrency=2, max_instances=2))
    for name in "abc":
        scaler.arrived(0, name)
    scaler.ready(5, 0)
    scaler.ready(5, 1)

    assert scaler.arrived(6, "d") == [Send("d", 1)]
    for name in "abcd":
        scaler.finished(7, name)
    assert scaler.arrived(8, "e") == [Send("e", 0)]


@pytest.mark.parametrize(
    ("started", "ended", "billed"),
    [(None, 9.0, 0.0), (5.0, 9.0, 4.0), (0.0, 0.01, 0.1), (0.1, 0.3, 0.2), (0.0, 600.05, 600.1)],
)
def test_billing_goes_by_tenths_of_a_second(started: float | None, ended: float, billed: float) -> None:
    assert Instance(0, asked=0, started=started, ended=ended).billable_s(1000) == billed


def test_one_that_runs_is_billed_until_now() -> None:
    assert Instance(0, asked=0, started=5).billable_s(12.34) == 7.4


def test_an_instance_that_ends_itself_is_not_replaced_before_somebody_asks() -> None:
    scaler = warm()
    scaler.arrived(20, "a")
    scaler.finished(50, "a")
    assert scaler.ended(60, 0) == [], "the average of the last minute is above none"
    assert scaler.tick(70) == []
    assert scaler.arrived(71, "b") == [Start(1)]
