"""The page in front of a local Cloud Run: what a person gets and what it costs, also when instances die or are missing.

Time in the cloud leaps where the tests would only wait. The service is the real one, and hears with Whisper.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx2 as httpx
import pytest
from playwright.sync_api import Page, expect

from tests.cloud.house import CloudHouse, Ports, cloud_house
from tests.e2e.conftest import NewPage
from tests.e2e.microphone import sound, speech
from tests.e2e.page import expect_state, newest, open_page, start_recording, until_elapsed
from tests.local_cloud.cloud_run.running import Options
from tests.processes import until

_ONE_AT_A_TIME = {"concurrency": 1, "queue": 0, "watchers": 1}
_TALK = sound(*[speech()] * 6)
"""Without a pause, so that nothing is sent before its end."""


@pytest.fixture(scope="module")
def _house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudHouse]:
    with cloud_house(tmp_path_factory.mktemp("cloud"), Ports(), Options(), capacity=_ONE_AT_A_TIME) as house:
        yield house


@pytest.fixture
def house(_house: CloudHouse) -> CloudHouse:
    """One in which nothing runs, and nobody was there yet."""
    until(lambda: all(one.scaler.instances for one in _house.run.revisions[-1:]))
    _house.run.leap(3600)
    assert _house.run.pids() == []
    _house.run.meter.lives.clear()
    _house.run.meter.requests.clear()
    return _house


def provision(house: CloudHouse) -> None:
    """Let the time pass that a machine takes, once one is asked for."""
    until(lambda: any(life.instance.started is None for life in house.run.meter.lives))
    house.run.leap(7, past_work=True)


def warm_up(house: CloudHouse) -> None:
    """Let the instance that the page has woken get ready."""
    provision(house)
    until(lambda: httpx.get(f"{house.run.address('kikitori')}/health/ready", timeout=60).status_code == 200)
    until(lambda: in_flight(house) == 0)


def in_flight(house: CloudHouse) -> int:
    return sum(one.scaler.in_flight for one in house.run.revisions)


def waiting(house: CloudHouse) -> int:
    return sum(one.scaler.waiting for one in house.run.revisions)


def pauses(page: Page, house: CloudHouse) -> bool:
    """Whether the page says that it comes back later. What waits in the cloud is refused until then."""
    if waiting(house):
        house.run.leap(120, past_work=True)
    return page.get_by_test_id("current-answer").get_attribute("data-status") == "pausing"


def test_a_recording_starts_the_instance_and_idling_ends_it(new_page: NewPage, house: CloudHouse) -> None:
    page = open_page(new_page(microphone=_TALK), house)
    assert house.run.meter.lives == [], "opening the page starts nothing"
    start_recording(page)
    provision(house)
    until_elapsed(page, 3)
    page.get_by_test_id("record").click()
    expect_state(page, "done")
    expect(newest(page).get_by_test_id("text")).to_contain_text("market")
    until(lambda: in_flight(house) == 0)

    house.run.leap(580)
    assert len(house.run.pids()) == 1
    house.run.leap(30)
    assert house.run.pids() == []
    [life] = house.run.meter.lives
    assert life.instance.started
    last = max(one.ended for one in house.run.meter.requests)
    assert house.run.billable_s() == pytest.approx(last + 600 - life.instance.started, abs=5)
    house.run.leap(3600)
    assert house.run.meter.lives == [life], "and nothing wakes another"


def test_a_page_that_is_open_for_an_hour_costs_nothing(new_page: NewPage, house: CloudHouse) -> None:
    page = new_page()
    page.clock.install()
    open_page(page, house)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for _ in range(60):
        page.clock.run_for(60_000)
        house.run.leap(60)
    assert asked == []
    assert house.run.meter.requests == []
    assert house.run.meter.lives == []
    assert house.run.billable_s() == 0


def test_an_instance_that_dies_in_a_request_loses_no_recording(new_page: NewPage, house: CloudHouse) -> None:
    page = open_page(new_page(microphone=_TALK), house)
    start_recording(page)
    warm_up(house)
    [pid] = house.run.pids()
    os.kill(pid, signal.SIGSTOP)
    until_elapsed(page, 3)
    page.get_by_test_id("record").click()
    until(lambda: in_flight(house))
    os.kill(pid, signal.SIGKILL)
    provision(house)
    expect_state(page, "done")
    expect(newest(page).get_by_test_id("text")).to_contain_text("market")
    assert 503 in [one.status for one in house.run.meter.requests]


def test_a_recording_waits_where_the_cap_is_reached(new_page: NewPage, house: CloudHouse) -> None:
    page = open_page(new_page(microphone=_TALK), house)
    start_recording(page)
    warm_up(house)
    [pid] = house.run.pids()
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(2) as crowd:
        for _ in range(2):
            crowd.submit(httpx.get, f"{house.run.address('kikitori')}/health/live", timeout=60)
        until(lambda: in_flight(house) == 2)
        until_elapsed(page, 3)
        page.get_by_test_id("record").click()
        until(lambda: pauses(page, house))
        assert 429 in [one.status for one in house.run.meter.requests]
        os.kill(pid, signal.SIGCONT)
    expect_state(page, "done")
    expect(newest(page).get_by_test_id("text")).to_contain_text("market")


def test_a_deploy_in_a_recording_loses_nothing(new_page: NewPage, house: CloudHouse) -> None:
    page = open_page(new_page(microphone=_TALK), house)
    start_recording(page)
    warm_up(house)
    with ThreadPoolExecutor(1) as operator:
        deploy = partial(house.deploy, capacity=_ONE_AT_A_TIME, settings={"KIKITORI_MAX_AUDIO_S": "1200"})
        deployed = operator.submit(deploy)
        provision(house)
        deployed.result()
    until_elapsed(page, 3)
    page.get_by_test_id("record").click()
    expect_state(page, "done")
    expect(newest(page).get_by_test_id("text")).to_contain_text("market")
    served = [one.revision.name for one in house.run.meter.requests if one.path.startswith("/v1/audio")]
    assert served
    assert set(served) == {house.run.revisions[-1].revision.name}
    statuses = {one.status for one in house.run.meter.requests if one.path.startswith("/v1/")}
    assert statuses <= {200, 202}
