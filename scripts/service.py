"""The service on Cloud Run: its revisions, and which of them serves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from scripts.google import get, patch

_NOTE = "started-anew"
_PAUSE_S = 2.0
_PATIENCE_S = 900.0


class ServiceError(Exception):
    """The service did not do what it was asked for; the message says why, and what to do."""


@dataclass(frozen=True)
class Revision:
    """A revision by its short name; it and the image in it never change."""

    name: str
    image: str


@dataclass(frozen=True)
class Service:
    """A service by its full name, projects/PROJECT/locations/REGION/services/NAME. Methods raise like `google.get`."""

    name: str

    def serving(self) -> Revision | None:
        """The revision that has all the traffic, or the most of it; None where no revision was ever ready."""
        service = get("run", f"v2/{self.name}")
        if "latestReadyRevision" not in service:
            return None
        newest: str = service["latestReadyRevision"].rpartition("/")[2]
        most = max(service["traffic"], key=lambda target: int(target.get("percent", 0)))
        return self.revision(most.get("revision") or newest)

    def revision(self, name: str) -> Revision:
        """A revision by its short name."""
        found = get("run", f"v2/{self.name}/revisions/{name}")
        return Revision(name, found["containers"][0]["image"])

    def start_anew(self) -> None:
        """Make a revision like the newest, whose instances read their secrets, and wait until it serves.

        Raises:
            ServiceError: it did not become ready, or traffic is pinned to another one.
        """
        service = get("run", f"v2/{self.name}")
        template = service["template"]
        template["annotations"] = {**template.get("annotations", {}), _NOTE: datetime.now(UTC).isoformat()}
        template.pop("revision", None)
        operation = patch(
            "run", f"v2/{self.name}", {"etag": service["etag"], "template": template}, updateMask="template"
        )
        deadline = time.monotonic() + _PATIENCE_S
        while not operation.get("done"):
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.name} has no new revision after {_PATIENCE_S:.0f} s; its logs may say why")
            time.sleep(_PAUSE_S)
            operation = get("run", f"v2/{operation['name']}")
        if "error" in operation:
            raise ServiceError(f"{operation['error']['message']}. The revision before goes on serving")
        newest = operation["response"]["latestReadyRevision"].rpartition("/")[2]
        serving = self.serving()
        if serving is None or serving.name != newest:
            raise ServiceError(f"the traffic is pinned to another revision than {newest}: deploy again")
