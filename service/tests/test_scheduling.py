"""Who runs, who waits, who is sent away, and what ends an answer early."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from kikitori.api.dependencies import Service
from kikitori.app import create_app
from kikitori.settings import Settings

from tests.processes import serving, until
from tests.scripted_engine import ScriptedEngine


@dataclass
class House:
    """An app with a scripted engine, served."""

    engine: ScriptedEngine
    app: FastAPI
    url: str
    exits: list[int]

    def ask(self, text: str, stream: bool = False) -> httpx.Response:
        body = {"model": "parrot", "messages": [{"role": "user", "content": text}], "stream": stream}
        return httpx.post(f"{self.url}/v1/chat/completions", json=body, timeout=60)

    def in_flight(self) -> int:
        service: Service = self.app.state.service
        return service.scheduler.in_flight

    @contextmanager
    def hanging_up(self, text: str, stream: bool) -> Iterator[None]:
        """Ask, and hang up on leaving, whatever has been answered by then."""
        messages = [{"role": "user", "content": text}]
        body = json.dumps({"model": "parrot", "messages": messages, "stream": stream}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2]))) as connection:
            connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
            yield


@contextmanager
def house(**settings: object) -> Iterator[House]:
    engine = ScriptedEngine()
    exits: list[int] = []
    app = create_app(Settings(**settings), engine, exits.append)  # type: ignore[arg-type]
    with serving(app) as url:
        try:
            yield House(engine, app, url, exits)
        finally:
            engine.allow_everything()


def text(answer: httpx.Response) -> str:
    content: str = answer.json()["choices"][0]["message"]["content"]
    return content


def test_answers_run_together_and_queue_beyond() -> None:
    with house(concurrency=2, queue_size=1) as it, ThreadPoolExecutor(4) as pool:
        it.engine.load_gate.set()
        asked = [pool.submit(it.ask, f"{name} one two three") for name in "abc"]
        until(lambda: it.in_flight() == 3)
        refusal = it.ask("x")
        assert int(refusal.headers["retry-after"]) >= 1
        assert refusal.json()["error"]["code"] == "queue_full"
        it.engine.allow_everything()
        assert sorted(text(one.result()) for one in asked) == [f"{name} one two three" for name in "abc"]
        assert max(it.engine.running) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_frees_its_place(stream: bool) -> None:
    with house(concurrency=1, queue_size=0) as it:
        it.engine.load_gate.set()
        it.engine.step_gate.release(2)
        with it.hanging_up("a very long story that nobody waits for", stream):
            until(lambda: len(it.engine.running) == 2)
        until(lambda: it.in_flight() == 0)
        it.engine.step_gate.release(1)  # the step that was under way
        until(lambda: it.engine.cancelled)
        assert len(it.engine.running) == 3
        it.engine.allow_everything()
        assert text(it.ask("next please")) == "next please"


def test_a_client_that_leaves_the_queue_is_never_run() -> None:
    with house(concurrency=1, queue_size=1) as it, ThreadPoolExecutor() as pool:
        it.engine.load_gate.set()
        first = pool.submit(it.ask, "one two three")
        it.engine.step_gate.release(1)
        until(lambda: it.engine.running)
        with it.hanging_up("waits in vain", stream=True):
            until(lambda: it.in_flight() == 2)
        until(lambda: it.in_flight() == 1)
        it.engine.step_gate.release(2)
        assert text(first.result()) == "one two three"
        it.engine.step_gate.release(1)
        assert text(it.ask("next")) == "next"
        assert it.engine.running == [1, 1, 1, 1]


def test_the_deadline_ends_an_answer() -> None:
    with house(deadline_s=0.5) as it:
        it.engine.load_gate.set()
        answer = it.ask("too slow")
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")
        it.engine.step_gate.release(1)
        until(lambda: it.engine.cancelled)


def test_the_deadline_ends_a_stream_with_an_error_event() -> None:
    with house(deadline_s=1) as it:
        it.engine.load_gate.set()
        it.engine.step_gate.release(1)
        answer = it.ask("one two", stream=True)
        assert answer.status_code == 200
        assert '"content": "one "' in answer.text
        assert '"code": "deadline_exceeded"' in answer.text.splitlines()[-2]


def test_the_deadline_covers_the_cold_start() -> None:
    with house(deadline_s=0.5) as it:
        assert it.ask("hello").status_code == 504


def test_early_requests_wait_for_the_model() -> None:
    with house() as it, ThreadPoolExecutor() as pool:
        asked = pool.submit(it.ask, "good morning")
        it.engine.step_gate.release(2)
        until(lambda: it.in_flight() == 1)
        assert httpx.post(f"{it.url}/v1/warmup").status_code == 202
        assert not asked.done()
        it.engine.load_gate.set()
        answer = asked.result()
        assert text(answer) == "good morning"
        assert float(answer.headers["server-timing"].partition("cold;dur=")[2].partition(",")[0]) > 0


def test_every_second_is_billed_once() -> None:
    with house(price_usd_per_s=1) as it:
        it.engine.allow_everything()
        costs = [it.ask(f"answer {number}").json()["usage"]["cost_usd"] for number in range(3)]
    assert costs[0]["waking"] > 0
    assert [cost["waking"] for cost in costs[1:]] == [0, 0]
    assert all(cost["answer"] > 0 for cost in costs)
    assert all(cost["idle"] > 0 for cost in costs)


def test_a_failed_load_is_told_and_ends_the_process() -> None:
    with house() as it, ThreadPoolExecutor() as pool:
        asked = pool.submit(it.ask, "hello")
        events = pool.submit(httpx.get, f"{it.url}/v1/warmup/events", timeout=60)
        until(lambda: httpx.get(f"{it.url}/health/ready").status_code == 503)
        it.engine.load_error = "The disk is empty. Fill it."
        it.engine.load_gate.set()
        answer = asked.result()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_load_failed")
        assert "Fill it." in answer.text
        assert '"status": "failed"' in events.result().text
        until(lambda: it.exits)
        assert it.exits == [1]


def test_an_idle_process_ends() -> None:
    with house(idle_exit_s=0.3) as it:
        it.engine.allow_everything()
        until(lambda: it.exits)
        assert it.exits == [0]


def test_a_process_that_loads_or_is_woken_again_and_again_is_not_idle() -> None:
    with house(idle_exit_s=1) as it:
        began = time.monotonic()
        until(lambda: time.monotonic() > began + 1.2)
        assert it.exits == [], "it still loads"
        times = [time.monotonic()]
        it.engine.allow_everything()
        until(lambda: httpx.get(f"{it.url}/health/ready").status_code == 200)
        with httpx.Client() as client:
            while times[-1] < times[0] + 2:
                assert client.post(f"{it.url}/v1/warmup").status_code == 200
                times.append(time.monotonic())
        # On a machine with other work a second may pass between two of them.
        assert it.exits == [] or max(b - a for a, b in pairwise(times)) > 0.9
        until(lambda: it.exits)
        assert it.exits == [0]


def test_health_answers_at_once_while_the_engine_works() -> None:
    with house(concurrency=1) as it, ThreadPoolExecutor() as pool:
        it.engine.load_gate.set()
        asked = pool.submit(it.ask, "one")
        until(lambda: it.engine.stepping)
        assert pool.submit(httpx.get, f"{it.url}/health/live").result().status_code == 200
        assert not asked.done()
        it.engine.allow_everything()
        assert text(asked.result()) == "one"
