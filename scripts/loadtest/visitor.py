"""A person at the page, as locust plays one: wakes the service while speaking, then sends, and waits for the text."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import gevent
from locust import HttpUser, constant, task
from locust.exception import StopUser

from scripts.cost.traffic import Recording
from scripts.loadtest.shape import Replay
from scripts.loadtest.sound import wav

_DELAYS_S = (1, 2, 4, 8, 16, 30)
_LONGEST_RETRY_AFTER_S = 120
"""Both as the page has them: web/src/sending/backoff.ts."""
_COMES_BACK = frozenset({0, 429, 502, 503, 504})
_HOPELESS = frozenset({401, 403, 404})
"""What one recording is answered with, all others will be as well."""
_SHOWN = 300
"""Characters of what the service said."""
_TIMEOUT_S = (60, 330)
"""To connect; between two bytes, as long as the service may take for an answer."""
PERSON = "person"
"""Stands with what people measure where locust has the method of a request."""
WHOLE_TEXT = "stop to whole text"
_FIRST_TEXT = "stop to first text"
_LOADING = "  of it, waiting for the model"
_QUEUED = "  of it, waiting for a place"


@dataclass(frozen=True)
class _Problem:
    """Why there was no answer; the status is 0 where there was none, or where it broke off."""

    text: str
    status: int
    retry_after: str | None = None

    def delay_s(self, attempt: int) -> float | None:
        """After how long the page would try again, having tried `attempt` times before; None is not at all."""
        tries = 1 if self.status == 500 else len(_DELAYS_S) if self.status in _COMES_BACK else 0
        if attempt >= tries:
            return None
        if self.retry_after and self.retry_after.isdigit():
            return float(self.retry_after) if int(self.retry_after) <= _LONGEST_RETRY_AFTER_S else None
        return _DELAYS_S[attempt] * random.uniform(0.8, 1.2)  # noqa: S311 - not a secret


class Visitor(HttpUser):
    """Makes one visit after the other until there is none left."""

    wait_time = constant(0)
    model = ""
    """The one that is asked; run.py sets it."""

    @property
    def _replay(self) -> Replay:
        replay = self.environment.shape_class
        assert isinstance(replay, Replay)  # noqa: S101 - for the types: run.py gave it
        return replay

    def on_start(self) -> None:
        """Have the access key at hand."""
        if key := os.environ.get("KIKITORI_API_KEY", "").strip():
            self.client.headers["Authorization"] = f"Bearer {key}"

    @task
    def visit(self) -> None:
        """Record as often as somebody did in this visit, not before the answer to the one before is there."""
        visit = self._replay.next()
        if visit is None:
            raise StopUser
        try:
            for recording in visit.recordings:
                gevent.sleep(max(0.0, recording.start_s - self._replay.now_s))
                self._record(recording)
        finally:
            self._replay.left += 1

    def _record(self, recording: Recording) -> None:
        waking = gevent.spawn(self._wake)
        gevent.sleep(recording.length_s)
        if recording.sent:
            self._send(wav(recording.length_s))
        waking.kill()

    def _wake(self) -> None:
        """As the page does at the beginning of a recording: call, and follow the cold start."""
        with self._asked("POST", "/v1/warmup") as answer:
            if answer.status_code == 202:
                self._replay.found_asleep += 1
                answer.success()
            asleep = answer.status_code == 202
        if asleep:
            with self._asked("GET", "/v1/warmup/events", stream=True) as events:
                for _ in events.iter_lines():
                    pass

    def _send(self, sound: bytes) -> None:
        """Send a recording until it is answered, as patiently as the page."""
        stopped = time.perf_counter()
        for attempt in count():
            problem = self._try(sound, stopped)
            if problem is None:
                return
            delay_s = problem.delay_s(attempt)
            if delay_s is None or self._replay.hopeless:
                self._tell(WHOLE_TEXT, time.perf_counter() - stopped, problem.text)
                return
            gevent.sleep(delay_s)

    def _try(self, sound: bytes, stopped: float) -> _Problem | None:
        """Send it once; what went wrong."""
        form = {"model": self.model, "stream": "true"}
        files = {"file": ("recording.wav", sound, "audio/wav")}
        with self._asked("POST", "/v1/audio/transcriptions", data=form, files=files, stream=True) as answer:
            if answer.status_code == 200:
                problem = self._read(answer, stopped)
                if not problem:
                    return None
                answer.failure(problem)
                return _Problem(problem, 0)
            text = f"{answer.status_code}: {answer.text[:_SHOWN]}" if answer.status_code else str(answer.error)
            if answer.status_code in _HOPELESS:
                self._replay.hopeless = text
            return _Problem(text, answer.status_code, (answer.headers or {}).get("retry-after"))

    def _read(self, answer: Any, stopped: float) -> str:
        """Take the text as it comes; what went wrong."""
        first_s: float | None = None
        try:
            for event in _events(answer):
                if error := event.get("error"):
                    return str(error["message"])
                first_s = first_s or time.perf_counter() - stopped
                if event["type"] == "transcript.text.done":
                    self._tell(_FIRST_TEXT, first_s)
                    self._tell(WHOLE_TEXT, time.perf_counter() - stopped)
                    self._tell(_QUEUED, event["timing"]["queue"] / 1000)
                    if event["timing"]["cold"] >= 1:  # a millisecond; less is how long it takes to see that it is there
                        self._tell(_LOADING, event["timing"]["cold"] / 1000)
                    return ""
        except (OSError, ValueError) as error:  # what requests raises is an OSError
            return f"cut: {error}"
        return "cut: the answer ended before its end"

    def _asked(self, method: str, path: str, **options: Any) -> Any:
        return self.client.request(method, path, name=path, catch_response=True, timeout=_TIMEOUT_S, **options)

    def _tell(self, what: str, seconds: float, problem: str = "") -> None:
        self.environment.events.request.fire(
            request_type=PERSON,
            name=what,
            response_time=seconds * 1000,
            response_length=0,
            exception=RuntimeError(problem) if problem else None,
            context={},
        )


def _events(answer: Any) -> Iterator[dict[str, Any]]:
    """The server-sent events of an answer, as they come."""
    for line in answer.iter_lines():
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))
