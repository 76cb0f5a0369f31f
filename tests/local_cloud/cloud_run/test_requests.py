"""What becomes of a request to Cloud Run on its way to an instance and back."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import pytest

from tests.processes import until

from .conftest import Place


def test_nothing_answers_where_nothing_is_deployed(here: Place) -> None:
    answer = here.get("/")
    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers


def test_request_timeout(here: Place, callers: ThreadPoolExecutor) -> None:
    here.warm(timeout="60s")
    held = callers.submit(here.get, "/hold")
    until(lambda: here.in_flight() == 1)
    here.run.leap(60, past_work=True)
    assert held.result().status_code == 504
    assert here.in_flight() == 0


def test_the_start_counts_against_the_timeout(here: Place, callers: ThreadPoolExecutor) -> None:
    here.cold(timeout="5s")
    asked = callers.submit(here.get, "/")
    until(lambda: here.waiting() == 1)
    here.run.leap(5)
    assert asked.result().status_code == 504


def test_headers_are_the_containers_own(here: Place) -> None:
    here.warm()
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "a"}
    for headers in ({}, upgrade):
        answer = here.get("/", headers=headers)
        assert answer.status_code == 200
        assert len(answer.headers.get_list("date")) == len(answer.headers.get_list("server")) == 1


def test_an_answer_passes_piece_by_piece(here: Place) -> None:
    here.warm()
    with httpx.stream("GET", f"{here.run.address('speech')}/stream", timeout=60) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"one"
        here.get("/go")
        assert b"".join(pieces) == b"two"


def test_an_answer_that_breaks_off_is_seen_to(here: Place) -> None:
    here.warm()
    with httpx.stream("GET", f"{here.run.address('speech')}/stream", timeout=60) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"one"
        os.kill(here.run.pids()[0], signal.SIGKILL)
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)
    assert here.in_flight() == 0


def test_who_hangs_up_frees_the_place(here: Place) -> None:
    here.warm()
    with httpx.stream("GET", f"{here.run.address('speech')}/stream", timeout=60) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"one"
        assert here.in_flight() == 1
    until(lambda: here.in_flight() == 0)


def test_32_mib(here: Place) -> None:
    here.warm()
    address = here.run.address("speech")
    most = 32 << 20
    assert httpx.post(address, content=b"x" * most, timeout=60).json()["bytes"] == most
    assert httpx.post(address, content=b"x" * (most + 1), timeout=60).status_code == 413
    pieces = [b"x" * (1 << 20)] * 33
    assert httpx.post(address, content=iter(pieces[1:]), timeout=60).json()["bytes"] == most
    assert httpx.post(address, content=iter(pieces), timeout=60).status_code == 413
    assert here.get("/large").status_code == 500
