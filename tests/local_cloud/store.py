"""What the stand-in remembers, in one SQLite file: it can be stopped, started again and looked into."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entity (serial INTEGER PRIMARY KEY, name TEXT UNIQUE, body TEXT NOT NULL, deleted INTEGER);
CREATE TABLE IF NOT EXISTS policy (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS operation (name TEXT PRIMARY KEY, body TEXT NOT NULL, ready REAL NOT NULL);
CREATE TABLE IF NOT EXISTS content (name TEXT PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS fault (serial INTEGER PRIMARY KEY, method TEXT NOT NULL, body TEXT NOT NULL, times INTEGER);
CREATE TABLE IF NOT EXISTS call (serial INTEGER PRIMARY KEY, method TEXT NOT NULL, name TEXT NOT NULL, status INTEGER);
"""

Json = dict[str, Any]


@dataclass(frozen=True)
class Entity:
    """A stored resource; `serial` orders them by creation."""

    serial: int
    name: str
    body: Json
    deleted: bool


class Store:
    """Resources by their full names, such as `run.googleapis.com/projects/p/locations/l/services/s`."""

    def __init__(self, file: Path | str) -> None:
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        # A killed process loses nothing by this, and waiting for the disk took most of a call's time.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what a request changes."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def get(self, name: str) -> Entity | None:
        """The resource of that name, deleted or not."""
        return next(self._entities("name = ?", name), None)

    def put(self, name: str, body: Json, *, deleted: bool = False) -> None:
        """Create or replace a resource."""
        self._db.execute(
            "INSERT INTO entity (name, body, deleted) VALUES (?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET body = excluded.body, deleted = excluded.deleted",
            (name, json.dumps(body), deleted),
        )

    def remove(self, name: str, *, below: bool = True) -> None:
        """Forget a resource, all below it unless it has nothing there, and their policies and contents."""
        for table in ("entity", "policy", "content"):
            names = (name, f"{name}/*" if below else name)
            self._db.execute(f"DELETE FROM {table} WHERE name = ? OR name GLOB ?", names)  # noqa: S608

    def children(self, parent: str, *, deeper: bool = False) -> list[Entity]:
        """The resources below a name, in order of creation; `deeper` also those below these."""
        found = self._entities("name GLOB ?", f"{parent}/*")
        return [entity for entity in found if deeper or "/" not in entity.name[len(parent) + 1 :]]

    def everything(self) -> list[Entity]:
        """All resources of all APIs."""
        return list(self._entities("name <> ?", ""))

    def _entities(self, where: str, *values: str) -> Iterator[Entity]:
        rows = self._db.execute(f"SELECT serial, name, body, deleted FROM entity WHERE {where} ORDER BY serial", values)  # noqa: S608
        for serial, name, body, deleted in rows:
            yield Entity(serial, name, json.loads(body), bool(deleted))

    def policy(self, name: str) -> Json | None:
        """The IAM policy that was set on a resource."""
        row = self._db.execute("SELECT body FROM policy WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def set_policy(self, name: str, body: Json) -> None:
        """Replace it."""
        self._db.execute("INSERT OR REPLACE INTO policy VALUES (?, ?)", (name, json.dumps(body)))

    def policies(self) -> dict[str, Json]:
        """All of them, by resource."""
        return {name: json.loads(body) for name, body in self._db.execute("SELECT name, body FROM policy")}

    def operation(self, name: str) -> tuple[Json, float] | None:
        """A long-running operation as it will be in the end, and from when on."""
        row = self._db.execute("SELECT body, ready FROM operation WHERE name = ?", (name,)).fetchone()
        return (json.loads(row[0]), row[1]) if row else None

    def put_operation(self, name: str, body: Json, ready: float) -> None:
        """Remember one."""
        self._db.execute("INSERT OR REPLACE INTO operation VALUES (?, ?, ?)", (name, json.dumps(body), ready))

    def content(self, name: str) -> bytes | None:
        """Bytes that were uploaded."""
        row = self._db.execute("SELECT bytes FROM content WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None

    def put_content(self, name: str, content: bytes) -> None:
        """Keep them."""
        self._db.execute("INSERT OR REPLACE INTO content VALUES (?, ?)", (name, content))

    def add_fault(self, method: str, body: Json, times: int) -> None:
        """Ask for a fault in the next `times` calls of a method (a glob of ids)."""
        self._db.execute("INSERT INTO fault (method, body, times) VALUES (?, ?, ?)", (method, json.dumps(body), times))

    def take_fault(self, method: str) -> Json | None:
        """The oldest fault that is due for a method, used up by this."""
        due = "SELECT serial, body FROM fault WHERE times > 0 AND ? GLOB method ORDER BY serial LIMIT 1"
        row = self._db.execute(due, (method,)).fetchone()
        if row is None:
            return None
        self._db.execute("UPDATE fault SET times = times - 1 WHERE serial = ?", (row[0],))
        return dict(json.loads(row[1]))

    def clear_faults(self) -> int:
        """Forget all faults; gives how many calls were still to fail."""
        left = self._db.execute("SELECT COALESCE(SUM(times), 0) FROM fault").fetchone()[0]
        self._db.execute("DELETE FROM fault")
        return int(left)

    def log(self, method: str, name: str, status: int) -> None:
        """Note a call."""
        self._db.execute("INSERT INTO call (method, name, status) VALUES (?, ?, ?)", (method, name, status))

    def calls(self, since: int = 0) -> list[tuple[int, str, str, int]]:
        """The calls after a serial: serial, method, resource, HTTP status."""
        return self._db.execute("SELECT serial, method, name, status FROM call WHERE serial > ?", (since,)).fetchall()
