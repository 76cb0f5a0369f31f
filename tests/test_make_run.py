"""The command that everybody types first."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import httpx2 as httpx
import openai
import psutil

from tests.processes import free_port, is_open, until
from tests.speech import say

ROOT = Path(__file__).parent.parent


def make_run(port: int, web_port: int, *variables: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.Popen(
        ["make", "--no-print-directory", "run", f"PORT={port}", f"WEB_PORT={web_port}", *variables],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # as a terminal does: Ctrl-C reaches the whole group
    )


def test_it_serves_both_and_one_ctrl_c_ends_both() -> None:
    port, web_port = free_port(), free_port()
    process = make_run(port, web_port)
    try:
        until(lambda: is_open(port) and is_open(web_port))
        page = httpx.get(f"http://127.0.0.1:{web_port}/")
        assert page.status_code == 200
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert f"http://127.0.0.1:{port}" in page.headers["content-security-policy"]
        config = httpx.get(f"http://127.0.0.1:{web_port}/config.json").json()
        assert config["service"] == f"http://127.0.0.1:{port}"
        assert config["model"] == httpx.get(f"{config['service']}/v1/models").json()["data"][0]
        family = psutil.Process(process.pid).children(recursive=True)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert f"http://127.0.0.1:{web_port}" in output
    assert "Traceback" not in output
    until(lambda: not any(member.is_running() for member in family))
    assert not is_open(port)
    assert not is_open(web_port)


def test_the_toy_hears_digits() -> None:
    port = free_port()
    process = make_run(port, free_port(), "ENGINE=qwen2-audio", "MODEL=service/tests/tiny-qwen2-audio")
    try:
        until(lambda: is_open(port) or process.poll() is not None)
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none")
        file = ("speech.wav", say("three seven two"))
        heard = client.audio.transcriptions.create(model="tiny-qwen2-audio", file=file)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert heard.text == "three seven two", output


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for ports, variable in (((port, free_port()), "PORT"), ((free_port(), port), "WEB_PORT")):
            process = make_run(*ports)
            output, _ = process.communicate(timeout=60)
            assert process.returncode != 0
            line = next(line for line in output.splitlines() if str(port) in line and "cannot be used" in line)
            assert f"Choose another: {variable}=" in line
            assert "Traceback" not in output


def test_a_service_that_ends_takes_the_page_with_it() -> None:
    port, web_port = free_port(), free_port()
    process = make_run(port, web_port)
    until(lambda: is_open(port) and is_open(web_port))
    [service] = [
        child for child in psutil.Process(process.pid).children(recursive=True) if "kikitori" in child.cmdline()
    ]
    service.kill()
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "The service has ended" in output
    assert not is_open(web_port)
