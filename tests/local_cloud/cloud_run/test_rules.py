"""What Cloud Run does with containers, requests and time; the containers are processes, and time leaps."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest

from tests.processes import until

from .conftest import NAME, Place

_LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
_ONE = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


def test_a_deploy_starts_an_instance_that_ends_when_nobody_came(here: Place) -> None:
    here.warm()
    assert len(here.run.pids()) == 1
    here.run.leap(580)
    assert len(here.run.pids()) == 1
    here.run.leap(3600)
    assert here.run.pids() == []
    assert 600 < here.run.billable_s() < 607, "from the start of the container, not from that of its machine"


def test_a_request_starts_an_instance_and_waits_for_it(here: Place, callers: ThreadPoolExecutor) -> None:
    here.cold()
    billed = here.run.billable_s()
    asked = callers.submit(here.get, "/anything?x=1")
    until(lambda: here.waiting() == 1)
    here.run.leap(2)
    assert here.run.pids() == []
    here.run.leap(5)
    answer = asked.result().json()
    assert answer["path"] == "/anything?x=1"
    assert answer["service"] == "speech"
    assert here.run.billable_s() - billed < 5, "the wait for the machine is not billed"
    assert [one.status for one in here.run.meter.requests] == [200]
    assert here.run.meter.requests[0].ended - here.run.meter.requests[0].arrived > 7


def test_a_day_passes_in_a_moment_and_each_instance_is_billed_for_its_life(here: Place) -> None:
    here.cold()
    lives = here.run.meter.lives
    del lives[:]
    calls = [(0.0, "/"), (100.0, "/"), (100.5, "/"), (40_000.0, "/"), (40_630.0, "/"), (40_700.0, "/")]
    assert here.run.replay("speech", calls, 86_400) == [200] * 6
    # Each begins seven seconds after what starts it, and ends ten minutes after the last request; 40,630 is too late.
    expected = [100.5 + 600 - 7, 600, 40_700 + 600 - 40_637]
    assert [life.instance.billable_s(here.run.clock.now()) for life in lives] == pytest.approx(expected, abs=6)


def test_concurrency_queue_and_its_429(here: Place, callers: ThreadPoolExecutor) -> None:
    here.warm()
    held = [callers.submit(here.get, "/hold") for _ in range(2)]
    until(lambda: here.in_flight() == 2)
    third = callers.submit(here.get, "/later")
    until(lambda: here.waiting() == 1)
    [one] = here.run.revisions
    startup = one.scaler.instances[0].ready - one.scaler.instances[0].asked  # type: ignore[operator]
    begun = here.run.clock.now()
    # What is held is work, so this wait is in real time but for what the clock is moved on.
    here.run.leap(3.5 * startup - 1, past_work=True)
    refused = third.result()
    assert refused.status_code == 429
    assert "access-control-allow-origin" not in refused.headers
    assert here.run.clock.now() - begun == pytest.approx(3.5 * startup, abs=5)
    assert here.in_flight() == 2

    fourth = callers.submit(here.get, "/later")
    until(lambda: here.waiting() == 1)
    os.kill(here.run.pids()[0], signal.SIGKILL)
    assert [each.result().status_code for each in held] == [503, 503]
    here.run.leap(7)
    assert fourth.result().status_code == 200


def test_more_instances_up_to_the_cap(here: Place, callers: ThreadPoolExecutor) -> None:
    here.warm(scaling={"maxInstanceCount": 2})
    held = [callers.submit(here.get, "/hold") for _ in range(5)]
    until(lambda: here.waiting() == 3)
    here.run.leap(7, past_work=True)
    until(lambda: here.in_flight() == 4)
    assert len(here.run.pids()) == 2
    for pid in here.run.pids():
        os.kill(pid, signal.SIGKILL)
    until(lambda: here.run.pids() == [])
    here.run.leap(7, past_work=True)
    until(lambda: sum(one.done() for one in held) == 4)
    assert {one.result().status_code for one in held if one.done()} == {503}
    until(lambda: here.in_flight() == 1)
    here.run.leap(3600, past_work=True)
    assert [one.result().status_code for one in held].count(504) == 1


def test_a_minimum_is_kept_and_replaced(here: Place) -> None:
    here.warm(scaling={"minInstanceCount": 1, "maxInstanceCount": 2})
    here.run.leap(1200)
    [pid] = here.run.pids()
    os.kill(pid, signal.SIGKILL)
    until(lambda: here.run.pids() == [])
    here.run.leap(7)
    until(lambda: len(here.run.pids()) == 1)
    assert here.run.pids() != [pid]


def test_one_that_does_not_end_is_killed_after_ten_seconds(here: Place) -> None:
    here.warm(env={"STUBBORN": "1"})
    billed = here.run.billable_s()
    threading.Timer(0, here.run.leap, [600]).start()
    until(lambda: here.run.revisions[0].scaler.instances[0].stopping)
    here.run.leap(5, past_work=True)
    assert here.run.pids()
    here.run.leap(5, past_work=True)
    until(lambda: here.run.pids() == [])
    assert here.run.billable_s() - billed == pytest.approx(610, abs=5), "its last ten seconds are billed"


def test_a_deploy_is_done_when_its_instance_has_started(here: Place) -> None:
    deploy = here.deploy()
    assert not deploy.now()["done"]
    here.run.leap(7)
    until(lambda: deploy.now()["done"])
    assert deploy.now()["response"]["latestReadyRevision"].endswith(deploy.revision)
    failing = here.deploy(env={"BROKEN": "1"})
    here.run.leap(7)
    until(lambda: failing.now()["done"])
    assert "failed to start and listen on the port" in failing.now()["error"]["message"]
    service = here.cloud.client("run", "v2").projects().locations().services().get(name=NAME).execute()
    assert service["terminalCondition"]["state"] == "CONDITION_FAILED"
    assert service["latestReadyRevision"].endswith("speech-00001-" + service["latestReadyRevision"][-3:])


def test_a_container_that_cannot_start(here: Place, callers: ThreadPoolExecutor) -> None:
    here.deploy(env={"BROKEN": "1"})
    here.run.leap(7)
    until(lambda: here.run.revisions[0].scaler.instances[0].ended)
    asked = callers.submit(here.get, "/")
    until(lambda: here.waiting() == 1)
    here.run.leap(7)
    assert asked.result().status_code == 503


def test_a_container_whose_liveness_probe_fails_is_killed(here: Place) -> None:
    probe = {"httpGet": {"path": "/live"}, "periodSeconds": 2, "failureThreshold": 10}
    here.warm(container__startupProbe=probe)
    here.get("/sicken")
    here.run.leap(80)
    assert here.run.pids()
    here.run.leap(20)
    assert here.run.pids() == []


def test_the_newest_revision_takes_over_when_it_has_started(here: Place, callers: ThreadPoolExecutor) -> None:
    here.warm(env={"COLOR": "blue"})
    held = callers.submit(here.get, "/hold")
    until(lambda: here.in_flight() == 1)
    here.deploy(env={"COLOR": "green"})
    assert here.get("/").json()["color"] == "blue"
    here.run.leap(7, past_work=True)
    until(lambda: here.run.revisions[-1].ready)
    assert here.get("/").json()["color"] == "green"
    assert not held.done(), "what the old one has begun it ends"
    here.deploy(env={"COLOR": "red", "BROKEN": "1"})
    here.run.leap(7, past_work=True)
    until(lambda: here.run.revisions[-1].scaler.instances[0].ended)
    assert here.get("/").json()["color"] == "green", "one that never started takes over from nobody"
    old, _, _ = here.run.revisions
    [running] = old.containers.values()
    httpx.get(f"{running.origin}/go")
    assert held.result().text == "held"
    here.run.leap(700)
    assert here.run.pids() == []


def test_tags_and_shares_of_the_traffic(here: Place) -> None:
    first = here.warm(env={"COLOR": "blue"})
    here.deploy(
        env={"COLOR": "green"},
        traffic=[
            {"type": _LATEST, "percent": 0, "tag": "newest"},
            {"type": _ONE, "revision": first, "percent": 100},
        ],
    )
    here.run.leap(7)
    until(lambda: here.run.revisions[-1].ready)
    assert here.get("/").json()["color"] == "blue"
    assert here.get("/", "newest---speech").json()["color"] == "green"
    here.deploy(
        env={"COLOR": "green"},
        traffic=[
            {"type": _LATEST, "percent": 50, "tag": "newest"},
            {"type": _ONE, "revision": first, "percent": 50},
        ],
    )
    seen = [here.get("/").json()["color"] for _ in range(40)]
    assert {"blue", "green"} == set(seen)
