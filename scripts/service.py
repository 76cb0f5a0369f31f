"""The service on Cloud Run: its revisions, and which of them serves."""

from __future__ import annotations

from dataclasses import dataclass

from scripts.google import get


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
