"""`make tunnel` to a real sshd: what it starts there is reached through it alone, and stays."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import httpx2 as httpx
import openai
import psutil
import pytest

from tests.processes import free_port, is_open, until
from tests.speech import SENTENCES, say, word_error_rate
from tests.tunnel.machines import NAME, OPEN, Machine, hang_up, machine, rest, said


def test_the_first_run_as_a_person_types_it(isolated: bool, tmp_path: Path) -> None:
    port = free_port()
    seen, browser = tmp_path / "seen", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{seen}\n')
    browser.chmod(0o755)
    with machine(tmp_path, isolated=isolated) as box:
        (tmp_path / "known_hosts").unlink()
        lock = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "correct horse", "-f", str(tmp_path / "key")]
        subprocess.run(lock, check=True)
        window = box.make(PORT=port, BROWSER=browser)
        window.expect_exact("Are you sure you want to continue connecting")
        window.sendline("yes")
        window.expect_exact("Enter passphrase")
        window.sendline("correct horse")
        assert window.expect_exact([OPEN, "Enter passphrase"]) == 0  # it is asked for once
        assert "kept by tmux" in said(window)
        page = f"http://127.0.0.1:{box.web_port}"
        until(lambda: seen.exists() and seen.read_text() == f"{page}\n")
        config = httpx.get(f"{page}/config.json").json()
        service = f"http://127.0.0.1:{port}"
        model = httpx.get(f"{service}/v1/models").json()["data"][0]
        assert config == {"service": service, "auth": "none", "model": model, "typed_service": True}
        client = openai.OpenAI(base_url=f"{service}/v1", api_key="none")
        heard = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", say(SENTENCES[1])))
        assert word_error_rate(SENTENCES[1], heard.text) < 0.2


def test_a_closed_window_leaves_the_service_running(kept: Machine) -> None:
    window, port = kept.open()
    family = psutil.Process(window.pid).children(recursive=True)
    assert {one.name() for one in family} == {"ssh"}
    began = ready(port)["seconds"]
    hang_up(window)
    until(lambda: not any(one.is_running() for one in family))
    assert not is_open(port)
    assert not is_open(kept.web_port)
    until(lambda: not kept.running("tail"))  # nothing is left there that showed the log
    window, port = kept.open()
    assert "It is used as it is" in said(window)
    assert ready(port)["seconds"] == began  # no other than before
    window.sendintr()
    assert "What runs there goes on" in rest(window)
    assert window.exitstatus == 0


def test_a_tunnel_that_is_killed_gives_its_port_back(kept: Machine) -> None:
    window, port = kept.open()
    window.kill(signal.SIGKILL)
    until(lambda: not is_open(port))


def test_a_connection_that_is_cut_comes_back(kept: Machine) -> None:
    window, port = kept.open()
    kept.cut()
    window.expect_exact(f"The connection to {NAME} is cut. Connecting again in 1 s")
    assert httpx.get(f"http://127.0.0.1:{kept.web_port}/").status_code == 200  # the page stays, with what was recorded
    window.expect_exact(f"Connected to {NAME} again")
    assert ready(port)["status"] == "ready"
    window.sendintr()
    assert "is cut" not in rest(window)
    assert window.exitstatus == 0


def test_what_is_exposed_still_comes_through_the_firewall_by_ssh_alone(isolated: bool, tmp_path: Path) -> None:
    if not isolated:
        pytest.skip("no firewall is between: a network for one needs root, ip and iptables")
    with machine(tmp_path, isolated=True) as box:
        direct = (box.address, box.service_port)
        window = box.tunnel("start", KIKITORI_HOST="0.0.0.0")  # noqa: S104
        assert "The tunnel does not need it" in rest(window)
        assert window.exitstatus == 2
        assert "Everyone who reaches that machine can use its GPU" in rest(box.tunnel("start", "--expose", "--dry-run"))
        key = "0123456789abcdef0123456789abcdef"
        guarded = {"KIKITORI_AUTH": "api-key", "KIKITORI_API_KEYS": key}
        window, port = box.open("--expose", KIKITORI_API_KEY=key, **guarded)
        assert ready(port)["status"] == "ready"
        assert httpx.get(f"http://127.0.0.1:{box.web_port}/config.json").json()["auth"] == "api-key"
        with pytest.raises(TimeoutError):
            socket.create_connection(direct, timeout=0.5)
        box.firewall("-P", "INPUT", "ACCEPT")
        socket.create_connection(direct).close()  # so it was the firewall


def test_systemd_keeps_it_where_the_user_lingers(isolated: bool, tmp_path: Path) -> None:
    if not isolated or not Path("/usr/lib/systemd/systemd").exists():
        pytest.skip("systemd is not tested as the keeper: it needs root, ip, iptables and systemd itself")
    with machine(tmp_path, isolated=True, systemd=True) as box:
        window, _ = box.open()
        assert "kept by systemd" in said(window)
        hang_up(window)
        assert "It is ready." in rest(box.tunnel("status"))
        assert "Stopped" in rest(box.tunnel("stop"))
        assert "Traceback" not in box.log


def test_a_page_elsewhere_is_told_that_browsers_would_refuse_it(kept: Machine) -> None:
    other = free_port()
    window = kept.tunnel("start", "--port", free_port(), "--web-port", other)
    assert f"another page than http://127.0.0.1:{other}" in rest(window)
    assert window.exitstatus == 2


def test_it_is_found_and_stopped_from_elsewhere(kept: Machine) -> None:
    window, _ = kept.open()
    looking = kept.make(ACTION="status")
    assert "It is ready." in rest(looking)
    assert looking.exitstatus == 0
    stopping = kept.make(ACTION="stop")
    assert "Stopped" in rest(stopping)
    assert "has ended" in rest(window)
    assert (stopping.exitstatus, window.exitstatus) == (0, 1)
    assert "Traceback" not in kept.log
    again, looking = kept.tunnel("stop"), kept.tunnel("status")
    assert "does not run there" in rest(again)
    assert "does not run there" in rest(looking)
    assert (again.exitstatus, looking.exitstatus) == (0, 1)


def ready(port: int) -> dict[str, object]:
    answer: dict[str, object] = httpx.get(f"http://127.0.0.1:{port}/health/ready").json()
    return answer
