"""The machines that a tunnel leads to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.tunnel.machines import Machine, hang_up, machine, namespaces_work


@pytest.fixture(scope="session")
def isolated() -> bool:
    """Whether a machine can have a network of its own; else it is the loopback."""
    missing = [program for program in ("sshd", "ssh", "tmux") if not shutil.which(program)]
    if missing:
        pytest.skip(f"the tunnel is not tested: missing {', '.join(missing)}")
    return namespaces_work()


@pytest.fixture(scope="module")
def gpu_box(isolated: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One that has tmux, behind its firewall if it can have one."""
    with machine(tmp_path_factory.mktemp("gpu-box"), isolated=isolated) as made:
        yield made


@pytest.fixture(scope="module")
def kept(gpu_box: Machine) -> Machine:
    """That machine, with a service that a tunnel has started and left there."""
    window, _ = gpu_box.open()
    hang_up(window)
    return gpu_box


@pytest.fixture
def walled(gpu_box: Machine) -> Machine:
    """The same, only where it is behind a firewall."""
    if gpu_box.network is None:
        pytest.skip("no firewall is between: making a network for one needs root, ip and iptables")
    return gpu_box
