"""The smoke test finds what is broken, and passes what works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kikitori.engines import build_engine
from kikitori.settings import Settings

from scripts import smoke
from scripts.hosting import page_app, page_config
from tests.processes import ServiceProcess, free_port, running_service, serving

_KEY = "0123456789abcdef0123456789abcdef"
_PAGE = "https://somewhere.web.app"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that asks for a key, cold."""
    settings: Any = {"AUTH": "api-key", "API_KEYS": _KEY, "CORS_ORIGINS": _PAGE}
    with running_service(tmp_path_factory.mktemp("guarded"), **settings) as service:
        yield service


def test_a_service_that_works(
    guarded: ServiceProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIKITORI_API_KEY", _KEY)
    assert smoke.main(["service", guarded.url, "--page", _PAGE]) == 0
    assert "whisper-tiny.en transcribes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "arguments", "told"),
    [
        ("not-the-key-of-this-service", [], "401, not 200"),
        (_KEY, ["--page", "https://elsewhere.example"], "access.origins"),
    ],
)
def test_a_service_that_does_not(
    guarded: ServiceProcess,
    key: str,
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KIKITORI_API_KEY", key)
    assert smoke.main(["service", guarded.url, *arguments]) == 1
    assert told in capsys.readouterr().err


def test_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert smoke.main(["service", f"http://127.0.0.1:{free_port()}"]) == 1
    assert "the process is up: no." in capsys.readouterr().err


def test_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = "https://service.example"
    config = page_config(service, Settings(), build_engine(Settings()).description)
    with serving(page_app(config)) as page:
        assert smoke.main(["page", page, "--service", service]) == 0
        assert smoke.main(["page", page, "--service", "https://another.example"]) == 1
        assert "config.json names https://service.example" in capsys.readouterr().err
    (tmp_path / "index.html").write_text("<h1>Welcome to your new site</h1>")
    with serving(page_app(config, tmp_path)) as page:
        assert smoke.main(["page", page, "--service", service]) == 1
        assert "refers to no file" in capsys.readouterr().err
