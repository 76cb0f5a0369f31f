"""What a tunnel cannot do, it says, and it leaves nothing behind."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

from tests.processes import free_port
from tests.tunnel.machines import Machine, machine, rest


def refused(box: Machine, *options: object, status: int = 2, **environment: object) -> str:
    """What a start says that fails."""
    window = box.tunnel("start", "--port", free_port(), *options, **environment)
    told = rest(window)
    assert window.exitstatus == status
    assert "Traceback" not in told
    return told


def test_a_machine_that_ssh_does_not_reach(gpu_box: Machine) -> None:
    window = gpu_box.window(sys.executable, "-m", "scripts.tunnel", "stop", "nowhere.invalid")
    assert "First see to it that this works: ssh nowhere.invalid true" in rest(window)
    assert window.exitstatus == 2


def test_a_machine_that_is_not_the_one_it_was(isolated: bool, tmp_path: Path) -> None:
    with machine(tmp_path, isolated=isolated) as box:
        (tmp_path / "known_hosts").write_text(f"* {(tmp_path / 'key.pub').read_text()}")
        window = box.tunnel("status")
        assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in rest(window)
        assert window.exitstatus == 2


def test_ctrl_c_where_ssh_asks(isolated: bool, tmp_path: Path) -> None:
    with machine(tmp_path, isolated=isolated) as box:
        (tmp_path / "known_hosts").unlink()
        window = box.tunnel("start", "--port", free_port())
        window.expect_exact("Are you sure you want to continue connecting")
        window.sendintr()
        assert "Traceback" not in rest(window)
        assert window.exitstatus == 130


def test_a_key_that_may_not_forward(isolated: bool, tmp_path: Path) -> None:
    with machine(tmp_path, isolated=isolated) as box:
        keys = tmp_path / "authorized_keys"
        keys.write_text(f"no-port-forwarding {keys.read_text()}")
        assert "forwards no ports" in refused(box)
        assert not (box.clone / ".cache").exists()


def test_a_dry_run_changes_nothing(isolated: bool, tmp_path: Path) -> None:
    with machine(tmp_path, isolated=isolated) as box:
        window = box.tunnel("start", "--port", free_port(), "--dry-run", HF_TOKEN="of the hub")  # noqa: S106
        told = rest(window)
        assert "tmux can keep it" in told
        assert "HF_TOKEN, KIKITORI_CORS_ORIGINS, KIKITORI_HOST, PORT" in told
        assert "of the hub" not in told
        assert window.exitstatus == 0
        assert not (box.clone / ".cache").exists()


def test_no_clone(gpu_box: Machine) -> None:
    assert "no clone of Kikitori" in refused(gpu_box, "--folder", "nowhere")


def test_neither_tmux_nor_systemd_keeps_it(isolated: bool, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "grep", "id", "mkdir", "rm"):
        (programs / name).symlink_to(str(shutil.which(name)))
    with machine(tmp_path, isolated=isolated, path=str(programs)) as box:
        assert "install tmux" in refused(box)
        tmux = programs / "tmux"
        tmux.write_text("#!/bin/sh\necho no room for it >&2\nexit 1\n")
        tmux.chmod(0o755)
        said = refused(box)
        assert "no room for it" in said
        assert "could not be started there by tmux" in said
        # What it was to be started with holds secrets.
        assert not list((box.clone / ".cache").glob("*.sh"))


def test_a_port_that_is_taken_here_or_there(gpu_box: Machine) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert f"Choose another: PORT={port + 1}" in refused(gpu_box, "--port", port)
        assert f"Choose another: WEB_PORT={port + 1}" in refused(gpu_box, "--web-port", port)
    there = gpu_box.within(sys.executable, "-um", "http.server", "--bind", "127.0.0.1", str(gpu_box.service_port))
    with subprocess.Popen(there, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert b"Serving" in server.stdout.readline()
        try:
            assert f"Choose another: REMOTE_PORT={gpu_box.service_port + 1}" in refused(gpu_box)
        finally:
            server.kill()
    assert not (gpu_box.clone / ".cache").exists()


def test_a_service_that_dies_while_it_loads_says_why(gpu_box: Machine) -> None:
    told = refused(gpu_box, status=1, KIKITORI_MODEL="/no/such/folder")
    assert "/no/such/folder" in told
    assert "has ended" in told
    looking = gpu_box.tunnel("status")
    assert "does not run there" in rest(looking)
    assert looking.exitstatus == 1
