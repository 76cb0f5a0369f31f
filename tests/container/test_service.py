"""The service in its container: read-only, without privileges, stopped as a platform stops it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra

from scripts.image_run import Call
from tests.container.containers import Container, main_process, running, started
from tests.container.images import Image
from tests.processes import until
from tests.speech import SENTENCES, say, word_error_rate

_LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp."""
_GRACE_S = 10
"""Seconds from SIGTERM to SIGKILL on Cloud Run."""


@pytest.fixture(scope="module")
def container(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A container that is ready, for tests that leave it as it is."""
    with running(image, tmp_path_factory.mktemp("container")) as one:
        one.service.until_ready()
        yield one


def test_it_hears_what_is_said(container: Container) -> None:
    client = container.service.client()
    model = client.models.list().data[0].id
    heard = [
        client.audio.transcriptions.create(model=model, file=("speech.wav", say(sentence))).text
        for sentence in SENTENCES
    ]
    assert word_error_rate(list(SENTENCES), heard) < 0.2


def test_it_listens_where_it_was_told(container: Container) -> None:
    port = container.service.url.rpartition(":")[2]
    assert testinfra.get_host("local://").socket(f"tcp://127.0.0.1:{port}").is_listening


def test_it_has_no_rights(container: Container) -> None:
    for process in (container.main, *container.main.children(recursive=True)):
        assert set(process.uids()) == {10001}
        assert set(process.gids()) == {10001}
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"


def test_its_root_is_read_only(container: Container) -> None:
    mounts = [line.split() for line in Path(f"/proc/{container.main.pid}/mountinfo").read_text().splitlines()]
    options = {mount[4]: mount[5].split(",") for mount in mounts}
    assert "ro" in options["/"]
    assert "rw" in options["/tmp"]  # noqa: S108


def test_it_logs_for_the_cloud(container: Container) -> None:
    lines = container.service.log.read_text().splitlines()
    assert lines
    assert all("severity" in json.loads(line) for line in lines)


def test_by_itself_it_listens_for_everyone_on_8080(image: Image, tmp_path: Path) -> None:
    """In a network of its own, with nothing but the image's own environment."""
    with started(image, Call(), tmp_path / "log", isolated_network=True) as (_, command):
        sockets = Path(f"/proc/{main_process(command).pid}/net/tcp")
        until(lambda: f" 00000000:{8080:04X} 00000000:0000 {_LISTENS} " in sockets.read_text())


def test_sigterm_lets_an_answer_finish_in_time(image: Image, tmp_path: Path) -> None:
    with running(image, tmp_path) as container:
        service = container.service
        service.until_ready()
        with service.streaming("whisper", say(" ".join(SENTENCES))) as answer:
            asked = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            assert "transcript.text.done" in answer.read().decode()
        assert service.process.wait(60) == 0
        assert time.monotonic() - asked < _GRACE_S


def test_a_setting_that_it_does_not_know_ends_it_with_a_word(image: Image, tmp_path: Path) -> None:
    with started(image, Call({"KIKITORI_ENGIN": "whisper"}), tmp_path / "log") as (process, _):
        assert process.wait(60) == 2
        assert "did you mean KIKITORI_ENGINE?" in (tmp_path / "log").read_text()
