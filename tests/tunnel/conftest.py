"""The machines that a tunnel leads to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.processes import free_port
from tests.tunnel.machines import Machine, machine, namespaces_work, rest


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
    """That machine, with a service that a tunnel has started and left there before it was ready."""
    window = gpu_box.tunnel("start", "--port", free_port())
    window.expect_exact("Started there")
    window.sendintr()
    assert "What runs there goes on" in rest(window)
    assert window.exitstatus == 130
    return gpu_box
