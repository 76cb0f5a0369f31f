"""The page's files are deployed by the real firebase-tools."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from googleapiclient.errors import HttpError

from .call import Cloud, Project
from .conftest import PROJECT, Served, served
from .services import hosting
from .store import Store

_FIREBASE = Path(__file__).parents[2] / "scripts/firebase-tools/node_modules/.bin/firebase"


def _site(cloud: Served) -> Any:
    """Google's client of a project's sites, with a site in it."""
    firebase = cloud.client("firebase", "v1beta1")
    adding = firebase.projects().addFirebase(project=PROJECT, body={}).execute()
    cloud.ended(adding, firebase.operations())
    sites = cloud.client("firebasehosting", "v1beta1").projects().sites()
    sites.create(parent=PROJECT, siteId="speech-page", body={}).execute()
    return sites


def test_releases_and_uploads_by_hand(tmp_path: Path) -> None:
    with served(tmp_path, everything_enabled=True, with_registry=False) as cloud:
        sites, site = _site(cloud), f"{PROJECT}/sites/speech-page"
        names = []
        for _ in range(2):
            version = sites.versions().create(parent=site, body={}).execute()["name"]
            sites.versions().patch(name=version, updateMask="status", body={"status": "FINALIZED"}).execute()
            names.append(version)
        releases = sites.channels().releases()
        for version in (*names, names[0]):
            releases.create(parent=f"{site}/channels/live", versionName=version, body={}).execute()
        found = releases.list(parent=f"{site}/channels/live").execute()["releases"]
        assert [(each["version"]["name"], each["type"]) for each in found] == [
            (names[0], "ROLLBACK"),
            (names[1], "DEPLOY"),
            (names[0], "DEPLOY"),
        ]
        with pytest.raises(HttpError, match="404"):
            releases.create(parent=f"{site}/channels/preview", versionName=names[0], body={}).execute()

        version = sites.versions().create(parent=site, body={}).execute()["name"]
        digest = hashlib.sha256(b"not gzipped").hexdigest()
        asked = sites.versions().populateFiles(parent=version, body={"files": {"/index.html": digest}}).execute()
        headers = {"Authorization": "Bearer fake"}
        address = f"{asked['uploadUrl']}/{digest}"
        assert httpx.post(address, headers={"Authorization": "Bearer local.nobody's"}).status_code == 401
        answer = httpx.post(address, content=b"not gzipped", headers=headers)
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "The content is not gzipped.")


def _deploy(cloud: Served, folder: Path) -> subprocess.CompletedProcess[str]:
    """`firebase deploy`, with a home of its own so that nobody's sign-in is used."""
    environment = {**os.environ, **cloud.environment(), "HOME": str(folder), "CI": "1"}
    command = [str(_FIREBASE), "deploy", "--only", "hosting", "--project", Project.id, "--non-interactive", "--json"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def _page(folder: Path, **files: str) -> None:
    (folder / "public").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "public" / f"{name}.html").write_text(text)
    settings = {"hosting": {"site": "speech-page", "public": "public", "headers": []}}
    (folder / "firebase.json").write_text(json.dumps(settings))


@pytest.mark.skipif(not _FIREBASE.exists(), reason="firebase-tools is not installed: make test installs it")
def test_deploy(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    state = tmp_path / "state"
    with served(state, everything_enabled=True, with_registry=False) as cloud:
        sites = _site(cloud)
        _page(folder, index="<p>one</p>", about="<p>same</p>")
        first = _deploy(cloud, folder)
        assert first.returncode == 0, first.stdout + first.stderr
        _page(folder, index="<p>two</p>")
        second = _deploy(cloud, folder)
        assert second.returncode == 0, second.stdout + second.stderr
        cloud.fault("firebasehosting.projects.sites.versions.patch", status=403)
        _page(folder, index="<p>three</p>")
        assert _deploy(cloud, folder).returncode != 0
        store = Store(state / "state.sqlite3")
        files = hosting.released(Cloud(store, Project(), cloud.url), "speech-page")
        store.close()
        assert files["/index.html"] == b"<p>two</p>"
        assert files["/about.html"] == b"<p>same</p>"
        releases = sites.channels().releases().list(parent=f"{PROJECT}/sites/speech-page/channels/live").execute()
        assert len(releases["releases"]) == 2
        sites.delete(name=f"{PROJECT}/sites/speech-page").execute()
        with pytest.raises(HttpError, match="reserved by another project"):
            sites.create(parent=PROJECT, siteId="speech-page", body={}).execute()
