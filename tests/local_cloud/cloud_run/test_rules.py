"""What Cloud Run does with containers, requests and time; the containers are processes, and time leaps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2 as httpx
import pytest

from tests.local_cloud.conftest import PROJECT
from tests.processes import until

from .conftest import NAME, Place

_LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
_ONE = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    """Those who wait for an answer while the test goes on."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


def warm(here: Place, **changes: Any) -> str:
    """Deploy, and wait until its instance has started."""
    deploy = here.deploy(**changes)
    here.run.leap(7)
    until(lambda: here.run.revisions[-1].ready)
    return deploy.revision


def in_flight(here: Place) -> int:
    return sum(one.scaler.in_flight for one in here.run.revisions)


def waiting(here: Place) -> int:
    return sum(one.scaler.waiting for one in here.run.revisions)


def cold(here: Place, **changes: Any) -> None:
    """Deploy, and wait until its instance is gone."""
    warm(here, **changes)
    here.run.leap(601)
    assert here.run.pids() == []


def test_nothing_answers_where_nothing_is_deployed(here: Place) -> None:
    answer = here.get("/")
    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers


def test_a_deploy_starts_an_instance_that_ends_when_nobody_came(here: Place) -> None:
    warm(here)
    assert len(here.run.pids()) == 1
    here.run.leap(599)
    assert len(here.run.pids()) == 1
    here.run.leap(3600)
    assert here.run.pids() == []
    assert 600 < here.run.billable_s() < 603, "from the start of the container, not from that of its machine"


def test_a_request_starts_an_instance_and_waits_for_it(here: Place, callers: ThreadPoolExecutor) -> None:
    cold(here)
    billed = here.run.billable_s()
    asked = callers.submit(here.get, "/anything?x=1")
    until(lambda: waiting(here) == 1)
    here.run.leap(6.9)
    assert here.run.pids() == []
    here.run.leap(0.2)
    answer = asked.result().json()
    assert answer["path"] == "/anything?x=1"
    assert answer["service"] == "speech"
    assert here.run.billable_s() - billed < 5, "the wait for the machine is not billed"
    assert [one.status for one in here.run.meter.requests] == [200]
    assert here.run.meter.requests[0].ended - here.run.meter.requests[0].arrived > 7


def test_a_day_passes_in_a_moment_and_each_instance_is_billed_for_its_life(here: Place) -> None:
    cold(here)
    lives = here.run.meter.lives
    del lives[:]
    calls = [(0.0, "/"), (100.0, "/"), (100.5, "/"), (40_000.0, "/"), (40_609.0, "/"), (40_700.0, "/")]
    assert here.run.replay("speech", calls, 86_400) == [200] * 6
    # Each begins seven seconds after what starts it, and ends ten minutes after the last request; 40,609 is too late.
    expected = [100.5 + 600 - 7, 600, 40_700 + 600 - 40_616]
    assert [life.instance.billable_s(here.run.clock.now()) for life in lives] == pytest.approx(expected, abs=3)


def test_concurrency_queue_and_its_429(here: Place, callers: ThreadPoolExecutor) -> None:
    warm(here)
    held = [callers.submit(here.get, "/hold") for _ in range(2)]
    until(lambda: in_flight(here) == 2)
    third = callers.submit(here.get, "/later")
    until(lambda: waiting(here) == 1)
    [one] = here.run.revisions
    startup = one.scaler.instances[0].ready - one.scaler.instances[0].asked  # type: ignore[operator]
    begun = here.run.clock.now()
    # What is held is work, so this wait is in real time but for what the clock is moved on.
    here.run.leap(3.5 * startup - 1, past_work=True)
    refused = third.result()
    assert refused.status_code == 429
    assert "access-control-allow-origin" not in refused.headers
    assert here.run.clock.now() - begun == pytest.approx(3.5 * startup, abs=1)
    assert in_flight(here) == 2

    fourth = callers.submit(here.get, "/later")
    until(lambda: waiting(here) == 1)
    os.kill(here.run.pids()[0], signal.SIGKILL)
    assert [each.result().status_code for each in held] == [503, 503]
    here.run.leap(7)
    assert fourth.result().status_code == 200


def test_more_instances_up_to_the_cap(here: Place, callers: ThreadPoolExecutor) -> None:
    warm(here, scaling={"maxInstanceCount": 2})
    held = [callers.submit(here.get, "/hold") for _ in range(5)]
    until(lambda: waiting(here) == 3)
    here.run.leap(7, past_work=True)
    until(lambda: in_flight(here) == 4)
    assert len(here.run.pids()) == 2
    for pid in here.run.pids():
        os.kill(pid, signal.SIGKILL)
    until(lambda: here.run.pids() == [])
    here.run.leap(7, past_work=True)
    until(lambda: sum(one.done() for one in held) == 4)
    assert {one.result().status_code for one in held if one.done()} == {503}
    until(lambda: in_flight(here) == 1)
    here.run.leap(3600, past_work=True)
    assert [one.result().status_code for one in held].count(504) == 1


def test_a_minimum_is_kept_and_replaced(here: Place) -> None:
    warm(here, scaling={"minInstanceCount": 1, "maxInstanceCount": 2})
    here.run.leap(1200)
    [pid] = here.run.pids()
    os.kill(pid, signal.SIGKILL)
    until(lambda: here.run.pids() == [])
    here.run.leap(7)
    until(lambda: len(here.run.pids()) == 1)
    assert here.run.pids() != [pid]


def test_request_timeout(here: Place, callers: ThreadPoolExecutor) -> None:
    warm(here, timeout="60s")
    held = callers.submit(here.get, "/hold")
    until(lambda: in_flight(here) == 1)
    here.run.leap(60, past_work=True)
    assert held.result().status_code == 504
    assert in_flight(here) == 0


def test_the_start_counts_against_the_timeout(here: Place, callers: ThreadPoolExecutor) -> None:
    cold(here, timeout="5s")
    asked = callers.submit(here.get, "/")
    until(lambda: waiting(here) == 1)
    here.run.leap(5)
    assert asked.result().status_code == 504


def test_an_answer_passes_piece_by_piece(here: Place) -> None:
    warm(here)
    with httpx.stream("GET", f"{here.run.address('speech')}/stream", timeout=60) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"one"
        here.get("/go")
        assert b"".join(pieces) == b"two"


def test_an_answer_that_breaks_off_is_seen_to(here: Place) -> None:
    warm(here)
    with httpx.stream("GET", f"{here.run.address('speech')}/stream", timeout=60) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"one"
        os.kill(here.run.pids()[0], signal.SIGKILL)
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)
    assert in_flight(here) == 0


def test_who_hangs_up_frees_the_place(here: Place) -> None:
    warm(here)
    with httpx.stream("GET", f"{here.run.address('speech')}/stream", timeout=60) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"one"
        assert in_flight(here) == 1
    until(lambda: in_flight(here) == 0)


def test_32_mib(here: Place) -> None:
    warm(here)
    address = here.run.address("speech")
    most = 32 << 20
    assert httpx.post(address, content=b"x" * most, timeout=60).json()["bytes"] == most
    assert httpx.post(address, content=b"x" * (most + 1), timeout=60).status_code == 413
    pieces = [b"x" * (1 << 20)] * 33
    assert httpx.post(address, content=iter(pieces[1:]), timeout=60).json()["bytes"] == most
    assert httpx.post(address, content=iter(pieces), timeout=60).status_code == 413
    assert here.get("/large").status_code == 500


def test_one_that_does_not_end_is_killed_after_ten_seconds(here: Place) -> None:
    warm(here, env={"STUBBORN": "1"})
    billed = here.run.billable_s()
    threading.Timer(0, here.run.leap, [600]).start()
    until(lambda: here.run.revisions[0].scaler.instances[0].stopping)
    here.run.leap(9.5, past_work=True)
    assert here.run.pids()
    here.run.leap(0.5, past_work=True)
    until(lambda: here.run.pids() == [])
    assert here.run.billable_s() - billed == pytest.approx(610, abs=1), "its last ten seconds are billed"


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
    until(lambda: waiting(here) == 1)
    here.run.leap(7)
    assert asked.result().status_code == 503


def test_a_container_whose_liveness_probe_fails_is_killed(here: Place) -> None:
    probe = {"httpGet": {"path": "/live"}, "periodSeconds": 1, "failureThreshold": 10}
    warm(here, container__startupProbe=probe)
    here.get("/sicken")
    here.run.leap(80)
    assert here.run.pids()
    here.run.leap(20)
    assert here.run.pids() == []


def test_the_newest_revision_takes_over_when_it_has_started(here: Place, callers: ThreadPoolExecutor) -> None:
    warm(here, env={"COLOR": "blue"})
    held = callers.submit(here.get, "/hold")
    until(lambda: in_flight(here) == 1)
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
    first = warm(here, env={"COLOR": "blue"})
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


def test_a_service_that_is_not_public(here: Place) -> None:
    iam = here.cloud.client("iam", "v1").projects().serviceAccounts()
    tokens = here.cloud.client("iamcredentials", "v1").projects().serviceAccounts()
    emails = [iam.create(name=PROJECT, body={"accountId": name}).execute()["email"] for name in ("caller", "stranger")]
    warm(here, public=False)

    def call(email: str | None, audience: str = "") -> int:
        token = ""
        if email:
            name = f"projects/-/serviceAccounts/{email}"
            body = {"audience": audience or here.run.address("speech"), "includeEmail": True}
            token = tokens.generateIdToken(name=name, body=body).execute()["token"]
        return here.get("/", headers={"Authorization": f"Bearer {token}"} if token else {}).status_code

    assert call(None) == 403
    assert call(emails[0]) == 403
    policy = {"bindings": [{"role": "roles/run.invoker", "members": [f"serviceAccount:{emails[0]}"]}]}
    here.cloud.client("run", "v2").projects().locations().services().setIamPolicy(
        resource=NAME, body={"policy": policy}
    ).execute()
    here.run.look()
    assert call(emails[0]) == 200
    assert call(emails[1]) == 403
    assert call(emails[0], audience="https://elsewhere.example") == 401
    assert here.get("/", headers={"Authorization": "Bearer a.b.c"}).status_code == 401
    assert len(here.run.meter.requests) == 1, "whom Google does not let in starts nothing and is nobody's request"
