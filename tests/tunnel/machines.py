"""A machine that is reached by SSH alone: a real sshd, in a network of its own whose firewall drops everything else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import pexpect
import psutil
import pytest

from tests.processes import PATIENCE_S, free_port, until

ROOT = Path(__file__).parent.parent.parent
NAME = "gpu-box"
OPEN = "Ctrl-C closes the tunnel"
_CGROUPS = Path("/sys/fs/cgroup")
# A home of its own, because what a user's shell does as it starts may wait for what an earlier cut has left.
_SSHD = """\
Port {port}
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized_keys
SetEnv HOME={folder} TMUX_TMPDIR={folder} XDG_RUNTIME_DIR={folder}/run {path}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PidFile none
"""
_SSH = """\
Host {name}
HostName {address}
Port {port}
User {user}
IdentityFile {folder}/key
IdentitiesOnly yes
UserKnownHostsFile {folder}/known_hosts
"""
_SYSTEMD = """\
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    if [ -e $tree/cgroup.procs ]; then
        mkdir -p $tree/{network}
        echo $$ >$tree/{network}/cgroup.procs
    fi
done
mount -t tmpfs tmpfs /run/systemd
mount -t tmpfs tmpfs /var/lib/systemd
mkdir -p /run/systemd/system /var/lib/systemd/linger {folder}/run
touch /var/lib/systemd/linger/{user}
XDG_RUNTIME_DIR={folder}/run /usr/lib/systemd/systemd --user &
"""
"""Makes systemd believe that it booted this machine and that its user lingers, and keeps it to cgroups of its own."""


@dataclass(frozen=True)
class Machine:
    """`gpu-box` to the `ssh` in `folder`; its service gets `service_port`, the page here `web_port`.

    `network` is its namespace; None is this machine itself.
    """

    folder: Path
    address: str
    service_port: int
    web_port: int
    network: str | None
    process: psutil.Process

    @property
    def clone(self) -> Path:
        """This repository, with a cache of its own."""
        return self.folder / "kikitori"

    @property
    def log(self) -> str:
        """What its service has printed."""
        return (self.clone / f".cache/tunnel-{self.service_port}.log").read_text()

    def window(self, *command: object, **environment: object) -> pexpect.spawn[str]:
        """A program in a window of its own, whose user has this machine's ssh."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "SSH_", "DISPLAY"))
        }
        told = {name: str(value) for name, value in environment.items()}
        return pexpect.spawn(
            str(command[0]),
            [str(word) for word in command[1:]],
            cwd=str(ROOT),
            env={**inherited, "PATH": f"{self.folder}:{os.environ['PATH']}", **told},
            encoding="utf-8",
            timeout=PATIENCE_S,
            dimensions=(50, 250),
        )

    def tunnel(self, action: str, *options: object, **environment: object) -> pexpect.spawn[str]:
        """The program with this machine's name and folder."""
        told = (action, NAME, "--folder", self.clone, "--remote-port", self.service_port, "--web-port", self.web_port)
        return self.window(sys.executable, "-m", "scripts.tunnel", *told, *options, **environment)

    def make(self, **variables: object) -> pexpect.spawn[str]:
        """`make tunnel` with this machine's name and folder."""
        told = {"MACHINE": NAME, "FOLDER": self.clone, "REMOTE_PORT": self.service_port, "WEB_PORT": self.web_port}
        words = (f"{name}={value}" for name, value in (told | variables).items())
        return self.window("make", "--no-print-directory", "tunnel", *words)

    def open(self, *options: object, **environment: object) -> tuple[pexpect.spawn[str], int]:
        """An open tunnel, and its port here."""
        port = free_port()
        window = self.tunnel("start", "--port", port, *options, **environment)
        window.expect_exact(OPEN)
        return window, port

    def running(self, program: str) -> list[psutil.Process]:
        """Processes that sshd has started, and what they have."""
        return [one for one in self.process.children(recursive=True) if one.name() == program]

    def cut(self) -> None:
        """End all connections, as a network does that resets them."""
        for session in self.running("sshd"):
            session.kill()

    def within(self, *command: str) -> list[str]:
        """A command that runs in the machine's network."""
        return [*_inside(self.network), *command]

    def firewall(self, *rule: str) -> None:
        """Change what is let in."""
        subprocess.run(self.within("iptables", *rule), check=True)


@contextmanager
def machine(folder: Path, *, isolated: bool, systemd: bool = False, path: str = "") -> Iterator[Machine]:
    """Start one that its user knows and has a key for.

    Args:
        folder: for its configuration and its user's keys.
        isolated: in namespaces of its own, with processes that end with it.
        systemd: with a systemd for its user; needs `isolated`.
        path: where programs are found there; empty is the usual.
    """
    with ExitStack() as stack:
        port, address, network = free_port(), "127.0.0.1", None
        if isolated:
            network, address = stack.enter_context(_network(port))
        told = {"address": address, "folder": folder, "name": NAME, "network": network, "port": port, "user": getuser()}
        _furnish(folder)
        (folder / "ssh_config").write_text(_SSH.format_map(told))
        (folder / "sshd_config").write_text(_SSHD.format_map(told | {"path": f"PATH={path}" if path else ""}))
        sshd = f"exec {shutil.which('sshd')} -D -E {folder}/sshd.log -f {folder}/sshd_config"
        command = ["sh", "-ec", (_SYSTEMD.format_map(told) if systemd else "") + sshd]
        if isolated:
            alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
            command = [*_inside(network), *alone, *command]
        process = subprocess.Popen(command)
        if systemd:
            stack.callback(_remove_cgroups, network)
        stack.callback(process.wait)
        stack.callback(process.kill)
        log = folder / "sshd.log"
        until(lambda: process.poll() is not None or (log.exists() and "listening" in log.read_text()))
        if systemd and process.poll() is not None:
            pytest.skip("systemd is not tested as the keeper: no cgroups can be made for it here")
        assert process.poll() is None, log.read_text()
        listener = psutil.Process(process.pid)
        if isolated:
            [listener] = listener.children()
            stack.callback(listener.kill)  # and all others in its namespace with it
        else:
            stack.callback(_end_tmux, folder)
        if systemd:
            answers = folder / "run" / "systemd" / "private"
            until(lambda: answers.exists() or not listener.children())
            if not answers.exists():
                pytest.skip("systemd is not tested as the keeper: it ends at once here")
        yield Machine(folder, address, free_port(), free_port(), network, listener)


def said(window: pexpect.spawn[str]) -> str:
    """What a program said before what was expected."""
    return str(window.before)


def rest(window: pexpect.spawn[str]) -> str:
    """All that a program still says until it ends."""
    window.expect_exact(pexpect.EOF)
    window.close()
    return said(window)


def hang_up(window: pexpect.spawn[str]) -> None:
    """Close a window, whatever runs in it, and wait for the end of that."""
    window.ptyproc.fileobj.close()  # type: ignore[attr-defined]  # pexpect's own `close` kills what is not quick
    until(lambda: not window.isalive())


def namespaces_work() -> bool:
    """Whether this user may make networks with firewalls."""
    try:
        with _network(free_port()):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _inside(network: str | None) -> list[str]:
    # `ip netns exec` would mount a /sys without cgroups.
    return [] if network is None else ["nsenter", f"--net=/run/netns/{network}"]


@contextmanager
def _network(port: int) -> Iterator[tuple[str, str]]:
    """A network that lets in what is for a port; its name, and the address of the machine in it."""
    # Of the addresses for benchmarks (RFC 2544), four that no test beside this one has.
    name, net = f"kikitori-{port}", f"198.18.{port // 256}.{port % 256 // 4 * 4}"
    prefix, last = net.rsplit(".", 1)
    here, there = f"{prefix}.{int(last) + 1}", f"{prefix}.{int(last) + 2}"
    inside = f"ip netns exec {name}"
    made = f"ip netns add {name}"
    rest = f"""
        ip link add {name} type veth peer name eth0 netns {name}
        ip address add {here}/30 dev {name}
        ip link set {name} up
        {inside} ip address add {there}/30 dev eth0
        {inside} ip link set eth0 up
        {inside} ip link set lo up
        {inside} iptables -P INPUT DROP
        {inside} iptables -A INPUT -i lo -j ACCEPT
        {inside} iptables -A INPUT -p tcp --dport {port} -j ACCEPT
    """
    subprocess.run(made.split(), check=True, capture_output=True)
    try:
        for line in rest.strip().splitlines():
            subprocess.run(line.split(), check=True, capture_output=True)
        yield name, there
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def _end_tmux(folder: Path) -> None:
    for server in folder.glob("tmux-*/kikitori"):
        subprocess.run(["tmux", "-S", str(server), "kill-server"], check=False, stderr=subprocess.DEVNULL)


def _remove_cgroups(name: str | None) -> None:
    """Remove them once the last process in them is gone."""
    tops = [tree / str(name) for tree in (_CGROUPS, *_CGROUPS.iterdir())]
    groups = [group for top in tops if top.exists() for group in (*sorted(top.rglob("*/"), reverse=True), top)]

    def removed() -> bool:
        try:
            while groups:
                groups[0].rmdir()
                groups.pop(0)
        except OSError:
            return False
        return True

    until(removed)


def _furnish(folder: Path) -> None:
    """A clone, a key for the machine, one for its user, and the user's ssh."""
    (folder / "kikitori").mkdir()
    for entry in ROOT.iterdir():
        if entry.name != ".cache":
            (folder / "kikitori" / entry.name).symlink_to(entry)
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    (folder / "known_hosts").write_text(f"* {(folder / 'host.pub').read_text()}")
    ssh = folder / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    ssh.chmod(0o755)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # as Debian's service does
