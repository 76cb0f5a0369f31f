"""What becomes of a file that the instance writes: the ground of docs/decisions/0003-history-in-the-browser.md."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.container.containers import Container, running
from tests.container.images import Image

_SIZE = 64 << 20
_WRITE = """
import sqlite3, sys
history = sqlite3.connect("/tmp/history.sqlite3")
history.execute("CREATE TABLE recording (sound BLOB)")
history.execute("INSERT INTO recording VALUES (zeroblob(?))", sys.argv[1:])
history.commit()
"""
_COUNT = """
import sqlite3
print(sqlite3.connect("/tmp/history.sqlite3").execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
"""


class Instance:
    """A container of the service, to run programs in beside it."""

    def __init__(self, container: Container) -> None:
        *self._runc, _, _, _, self._name = container.command

    def python(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program with the service's own rights."""
        command = [*self._runc, "exec", self._name, "python3", "-c", code, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def memory_in_files(self) -> int:
        """Bytes of files that are memory, as its control group counts them."""
        command = [*self._runc, "events", "--stats", self._name]
        stats = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return int(stats["data"]["memory"]["raw"]["shmem"])


def test_a_database_in_the_instance_is_memory_and_ends_with_it(image: Image, tmp_path: Path) -> None:
    with running(image, tmp_path) as container:
        first = Instance(container)
        assert "Read-only file system" in first.python("open('/app/history.sqlite3', 'w')").stderr
        before = first.memory_in_files()
        written = first.python(_WRITE, str(_SIZE))
        assert written.returncode == 0, written.stderr
        assert first.python(_COUNT).stdout == "1\n"
        assert first.memory_in_files() - before >= _SIZE
    with running(image, tmp_path) as container:
        assert Instance(container).python(_COUNT).stdout == "0\n"
