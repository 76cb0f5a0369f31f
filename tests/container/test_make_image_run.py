"""The command that runs an image by hand."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil

from tests.container.images import NAME, Image
from tests.processes import ServiceProcess, free_port, is_open, until
from tests.speech import SENTENCES, say, word_error_rate

_ROOT = Path(__file__).parent.parent.parent


def make_image_run(image: str, port: int, log: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    with log.open("wb") as output:
        return subprocess.Popen(
            ["make", "--no-print-directory", "image-run", f"IMAGE={image}", f"PORT={port}"],
            cwd=_ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # as a terminal does: Ctrl-C reaches the whole group
        )


def test_it_serves_until_ctrl_c(image: Image, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    process = make_image_run(NAME, port, log)
    try:
        until(lambda: is_open(port) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        service = ServiceProcess(f"http://127.0.0.1:{port}", process, log)
        service.until_ready()
        answer = service.client().audio.transcriptions.create(model="whisper-1", file=("a.wav", say(SENTENCES[0])))
        assert word_error_rate(SENTENCES[0], answer.text) < 0.4
        family = psutil.Process(process.pid).children(recursive=True)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    until(lambda: not any(member.is_running() for member in family))
    assert not is_open(port)
    assert "Traceback" not in log.read_text()


def test_an_image_that_is_not_there_is_one_clear_line(image: Image, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert make_image_run("localhost/kikitori-nothing:none", free_port(), log).wait(60) != 0
    assert "make image" in log.read_text()
    assert "Traceback" not in log.read_text()
