"""The page's site on Firebase Hosting: what it serves, and how that is changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scripts.google import get, post
from scripts.programs import run

_FIREBASE = Path(__file__).parent / "firebase-tools" / "node_modules" / ".bin" / "firebase"


@dataclass(frozen=True)
class Release:
    """A moment from which on a version was served; `revision` is the service's that it was deployed with, if known."""

    version: str
    revision: str
    made: str


@dataclass(frozen=True)
class Site:
    """A site by its id, and its project's. Methods raise like `google.get`."""

    project: str
    name: str

    def releases(self) -> list[Release]:
        """The last hundred, the one that is served now first."""
        found = get("firebasehosting", f"{self._live}/releases", pageSize=100).get("releases", [])
        return [
            Release(release["version"]["name"], release.get("message", ""), release["version"]["createTime"])
            for release in found
            if "version" in release
        ]

    def deploy(self, folder: Path, revision: str) -> None:
        """Upload a folder with a firebase.json, serve it, and note the service's revision that it belongs to.

        Raises:
            ProgramError: it failed.
        """
        options = ("--only", "hosting", "--project", self.project, "--message", revision, "--non-interactive")
        run(_FIREBASE, "deploy", *options, folder=folder)

    def release(self, release: Release) -> None:
        """Serve what an earlier release served, at once and without an upload."""
        body = {"message": release.revision}
        post("firebasehosting", f"{self._live}/releases", body, versionName=release.version)

    @property
    def _live(self) -> str:
        return f"v1beta1/projects/{self.project}/sites/{self.name}/channels/live"
