"""`make cloud`, as a person runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2 as httpx
import psutil
import pytest

from tests.processes import free_port, until

from .__main__ import main

_ROOT = Path(__file__).parents[2]


def make_cloud(folder: Path, ports: list[str], *variables: str) -> list[str]:
    options = f"CLOUD_OPTIONS=--state {folder / 'cloud'} --no-browser --provisioning 1"
    return ["make", "--no-print-directory", "cloud", *ports, *variables, options]


def test_it_deploys_serves_and_says_what_was_billed(tmp_path: Path) -> None:
    port, web_port, google_port = free_port(), free_port(), free_port()
    ports = [f"PORT={port}", f"WEB_PORT={web_port}", f"CLOUD_PORT={google_port}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            make_cloud(tmp_path, ports, "RATE=600"),
            cwd=_ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # as a terminal does: Ctrl-C reaches the whole group
        )
    try:
        until(lambda: process.poll() is not None or "Ctrl-C ends all" in log.read_text())
        page = f"http://127.0.0.1:{web_port}"
        service = httpx.get(f"{page}/config.json").json()["service"]
        assert service == f"http://127.0.0.1:{port}"
        assert service in httpx.get(page).headers["content-security-policy"]
        answer = httpx.get(f"{service}/health/live", headers={"Origin": page}, timeout=60)
        assert answer.headers["access-control-allow-origin"] == page
        until(lambda: "s are billed" in log.read_text())
        [measure] = re.findall(r"^ +(\. \S+; make cost-measure .*)$", log.read_text(), re.MULTILINE)
        [end] = re.findall(r"UNTIL=(\S+)", measure)
        assert datetime.fromisoformat(f"{end}Z") > datetime.now(UTC) + timedelta(days=5), "the cloud's clock runs ahead"
        measured = subprocess.run(["sh", "-c", measure], cwd=_ROOT, env=environment, capture_output=True, text=True)
        assert measured.returncode == 0, measured.stderr
        [billed] = re.findall(r"(\d+)\.\d s are billed", log.read_text())
        [seconds] = re.findall(r"^\| \*\*all\*\* \| (\d+) s \|", measured.stdout, re.MULTILINE)
        assert int(seconds) == pytest.approx(int(billed), abs=2)
        httpx.get(f"{service}/health/live", timeout=60)  # one more, which is there at the end
        family = psutil.Process(process.pid).children(recursive=True)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)
    said = log.read_text()
    for words in ("is asked for", "starts: from here on it costs", "answers", "was idle for too long"):
        assert words in said
    assert said.count("starts: from here on it costs") == said.count("s are billed")
    assert "Traceback" not in said
    until(lambda: not any(member.is_running() for member in family))


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "fast"])
def test_a_clock_that_does_not_go_on_is_refused(
    rate: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["cloud", "--rate", rate])
    with pytest.raises(SystemExit) as refused:
        main()
    assert refused.value.code == 2
    assert f"--rate: '{rate}' is not a number above 0" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = [f"PORT={free_port()}", f"WEB_PORT={port}", f"CLOUD_PORT={free_port()}"]
        done = subprocess.run(make_cloud(tmp_path, ports), cwd=_ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"Port {port} is taken. Choose another: make cloud WEB_PORT=" in done.stderr
