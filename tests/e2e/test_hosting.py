"""What hosting serves: the headers of each deployment, the weight of the first load, and Lighthouse's opinion."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Response

from scripts.hosting import hosting
from tests.e2e.conftest import NewPage
from tests.e2e.houses import ScriptedHouse
from tests.e2e.page import open_page

_ROOT = Path(__file__).parent.parent.parent
_FIRST_LOAD = 45 * 1024
"""Bytes of scripts and styles, compressed."""
_SCORES = {"accessibility": 100, "best-practices": 100, "seo": 95}


def _policy(config: Mapping[str, object]) -> dict[str, str]:
    directives = hosting(config)["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


def test_the_page_may_call_its_service_and_nobody_else() -> None:
    config: dict[str, object] = {"service": "https://speech.example", "auth": "api-key"}
    policy = _policy(config)
    assert policy["connect-src"] == "'self' https://speech.example"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-src"] == policy["default-src"] == "'none'"
    assert hosting(config)["Cross-Origin-Opener-Policy"] == "same-origin"
    assert not any("{" in value for value in hosting(config).values())
    local = _policy({**config, "typed_service": True})
    assert local["connect-src"] == "'self' https://speech.example http://127.0.0.1:* http://localhost:*"
    assert {**local, "connect-src": ""} == {**policy, "connect-src": ""}


def test_signing_in_with_google_adds_what_it_needs() -> None:
    config = {"service": "https://speech.example", "auth": "firebase", "firebase": {"authDomain": "p.example"}}
    policy = _policy(config)
    assert policy["script-src"] == "'self' https://apis.google.com"
    assert policy["frame-src"] == "https://p.example"
    assert "https://identitytoolkit.googleapis.com https://securetoken.googleapis.com" in policy["connect-src"]
    assert hosting(config)["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"


def test_the_first_load_is_small(new_page: NewPage, house: ScriptedHouse) -> None:
    page = new_page(service_workers="block")
    loaded: list[Response] = []
    page.on("response", lambda response: loaded.append(response))
    open_page(page, house)
    page.wait_for_load_state("networkidle")
    parts = [one for one in loaded if one.request.resource_type in ("script", "stylesheet")]
    assert 0 < sum(len(gzip.compress(one.body())) for one in parts) < _FIRST_LOAD
    assert not [one.url for one in loaded if "sign-in" in one.url]
    assert all(one.url.startswith(house.page) for one in loaded)


def test_the_installed_page_says_its_language_and_what_belongs_to_it() -> None:
    manifest = json.loads((_ROOT / "web/public/manifest.webmanifest").read_text())
    assert (manifest["lang"], manifest["scope"]) == ("en", manifest["start_url"])


def test_lighthouse_has_nothing_to_say(house: ScriptedHouse) -> None:
    """Its fourth category, performance, depends on the machine and is no test."""
    chromium = shutil.which("chromium")
    assert chromium
    flags = ["--headless=new", "--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    command = [
        str(_ROOT / "web/node_modules/.bin/lighthouse"),
        f"{house.page}/",
        "--quiet",
        "--output=json",
        "--no-enable-error-reporting",
        f"--only-categories={','.join(_SCORES)}",
        f"--chrome-flags={' '.join(flags)}",
    ]
    environment = os.environ | {"CHROME_PATH": chromium}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=120)
    report = json.loads(done.stdout)
    scores = {name: round(category["score"] * 100) for name, category in report["categories"].items()}
    failed = [audit["id"] for audit in report["audits"].values() if audit["score"] is not None and audit["score"] < 1]
    assert all(scores[name] >= least for name, least in _SCORES.items()), (scores, failed)
