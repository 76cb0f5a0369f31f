"""One call of a method, and the cloud it is made to."""

from __future__ import annotations

import base64
import re
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .asked import Asked
from .discovery import Method
from .errors import GoogleError
from .images import Images
from .store import Json, Store

if TYPE_CHECKING:
    from .cloud_run.meter import Meter


@dataclass(frozen=True)
class Project:
    """A project that exists before anything is called, as a person makes one in the console."""

    id: str = "kikitori-local"
    number: str = "815162342100"
    billing_account: str = "01AB23-45CD67-89EF01"
    currency: str = "USD"


@dataclass(frozen=True)
class Cloud:
    """The state, the project in it, its own address, and the keys of foreign issuers by theirs."""

    store: Store
    project: Project
    url: str
    issuers: dict[str, Json] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    """Where something listens in truth, by what Google would give an address to: SERVICE, TAG---SERVICE, SITE."""
    images: Images | None = None
    """What was pushed, where a registry keeps it."""
    meter: Meter | None = None
    """What a Cloud Run beside this has done, where there is one."""

    def by_id(self, name: str) -> str:
        """A resource name with the project's id, whether it came with its id or its number."""
        return re.sub(rf"\bprojects/{self.project.number}\b", f"projects/{self.project.id}", name)

    def by_number(self, name: str) -> str:
        """A resource name with the project's number."""
        return re.sub(rf"\bprojects/{re.escape(self.project.id)}(?=/|$)", f"projects/{self.project.number}", name)


@dataclass
class Call:
    """A request that has been checked against its method's entry in the discovery document.

    `name` is the path without version and custom verb, such as `projects/p/locations/l/services/s`.
    """

    cloud: Cloud
    method: Method
    name: str
    path: Json
    query: Asked
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    fault: Json = field(default_factory=dict)
    caller: str = ""

    @property
    def store(self) -> Store:
        """The state."""
        return self.cloud.store

    def full(self, name: str | None = None) -> str:
        """The name under which the state has a resource of this API."""
        return f"{self.method.api.host}/{name or self.name}"

    def part(self, collection: str) -> str:
        """The id after a collection's name in the path, such as that of `locations`.

        Raises:
            GoogleError: 400, there is none.
        """
        found = re.search(rf"(?:^|/){collection}/([^/]+)", self.name)
        if not found:
            raise GoogleError("INVALID_ARGUMENT", f"'{self.name}' names no {collection}.")
        return found[1]


def now(offset_s: float = 0, precision: str = "microseconds") -> str:
    """The time in RFC 3339, as Google writes it."""
    return datetime.fromtimestamp(time.time() + offset_s, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def new_etag() -> str:
    """A new opaque version of a resource; base64, as the policies' etags are bytes."""
    return base64.b64encode(secrets.token_bytes(9)).decode()


def digits(count: int) -> str:
    """A number as Google gives out, such as an account's unique id."""
    # 19 digits that begin with a 9 may be more than the 64 bits, with a sign, that Google's numbers have.
    return str(secrets.choice("12345678")) + "".join(secrets.choice("0123456789") for _ in range(count - 1))
