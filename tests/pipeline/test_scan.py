"""An image is let through, or not, by what the local cloud's Artifact Analysis knows of it."""

from __future__ import annotations

import pytest

from scripts import scan
from tests.local_cloud.conftest import Served
from tests.local_cloud.store import Store

_DIGEST = f"sha256:{'0' * 64}"
_IMAGE = f"asia-southeast1-docker.pkg.dev/kikitori-local/kikitori/kikitori@{_DIGEST}"


def _found(signed_in: Served, severity: str, *, fix: bool) -> None:
    store = Store(signed_in.folder / "state.sqlite3")
    name = f"containeranalysis.googleapis.com/projects/kikitori-local/occurrences/{_DIGEST}/{severity}"
    issue = {"affectedPackage": "libexample", "affectedVersion": {"fullName": "1.2-3"}}
    vulnerability = {"effectiveSeverity": severity, "fixAvailable": fix, "packageIssue": [issue]}
    store.put(name, {"noteName": "projects/goog-vulnz/notes/CVE-2030-1", "vulnerability": vulnerability})
    store.close()


def test_nothing_critical_with_a_fix(signed_in: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan.main([_IMAGE]) == 0
    _found(signed_in, "HIGH", fix=True)
    _found(signed_in, "CRITICAL", fix=False)
    assert scan.main([_IMAGE]) == 0
    assert "critical 1, high 1" in capsys.readouterr().out


def test_critical_and_there_is_a_fix(signed_in: Served, capsys: pytest.CaptureFixture[str]) -> None:
    _found(signed_in, "CRITICAL", fix=True)
    assert scan.main([_IMAGE]) == 1
    assert "CVE-2030-1 in libexample 1.2-3" in capsys.readouterr().err


def test_scan_that_google_refuses(signed_in: Served, capsys: pytest.CaptureFixture[str]) -> None:
    signed_in.fault("containeranalysis.projects.occurrences.list", status=403)
    assert scan.main([_IMAGE]) == 1
    assert "403" in capsys.readouterr().err


def test_image_without_a_digest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        scan.main(["asia-southeast1-docker.pkg.dev/p/r/i:latest"])
    assert "@sha256:" in capsys.readouterr().err
