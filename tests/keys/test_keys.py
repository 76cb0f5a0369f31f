"""Access keys: what the program writes into the local Google, the service lets in."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import httpx2 as httpx
import pytest
from kikitori.app import create_app
from kikitori.settings import Settings
from pydantic import ValidationError

from scripts.keys import Key, main, with_key
from scripts.secret import Secret
from tests.keys.conftest import COMMAND, NAME, OLD, versions, write
from tests.local_cloud.conftest import PLACE, Served, template
from tests.processes import serving
from tests.scripted_engine import ScriptedEngine

SERVICE = f"{PLACE}/services/kikitori"


def lets_in(key: str) -> bool:
    """Whether the service does, started with what Secret Manager has."""
    engine = ScriptedEngine()
    engine.allow_everything()
    settings = Settings.model_validate({"auth": "api-key", "api_keys": Secret(NAME).read()})
    with serving(create_app(settings, engine)) as url:
        status = httpx.get(f"{url}/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code
    assert status in (200, 401)
    return status == 200


def test_a_key_from_its_making_to_its_end(cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*COMMAND, "--add", "alice@example.com"]) == 0
    said = capsys.readouterr()
    key = said.out.strip()
    assert key.startswith("kikitori_")
    assert "shown this once" in said.err
    assert "about 15 minutes" in said.err
    assert key not in said.err
    assert Secret(NAME).read().startswith(f"sha256:{hashlib.sha256(key.encode()).hexdigest()} alice@example.com 20")
    assert lets_in(key)

    assert main([*COMMAND, "--add", "pipeline"]) == 0
    other = capsys.readouterr().out.strip()
    assert main([*COMMAND]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == ["alice@example.com", "pipeline"]
    assert key not in listed

    assert main([*COMMAND, "--revoke", "alice@example.com"]) == 0
    assert not lets_in(key)
    assert lets_in(other)


def test_keys_from_before_they_had_names_stay_and_become_digests(
    cloud: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = hashlib.sha256(b"another old one").hexdigest()
    write(cloud, f"{OLD}, sha256:{digest}")
    assert main([*COMMAND, "--add", "alice"]) == 0
    assert OLD not in Secret(NAME).read()
    assert lets_in(OLD)
    assert main([*COMMAND, "--revoke", digest[:8]]) == 0
    assert not lets_in("another old one")
    assert main(COMMAND) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["-", "-"]


def test_a_note_of_any_kind_stays_as_it_is(cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    digest = hashlib.sha256(OLD.encode()).hexdigest()
    notes = ["alice", "Alice from  ops", "alice 2026-11-24", "2026-11-24", "since 2026-11-24", "日本"]
    stored = ",".join(f"sha256:{digest} {note}" for note in notes)
    write(cloud, stored)
    assert main([*COMMAND, "--add", "alice"]) == 1
    assert main([*COMMAND, "--add", "bob"]) == 0
    assert Secret(NAME).read().startswith(f"{stored},sha256:")
    assert lets_in(OLD)
    assert main([*COMMAND, "--revoke", "bob"]) == 0
    assert Secret(NAME).read() == stored
    capsys.readouterr()
    assert main([*COMMAND, "--revoke", "Alice from  ops"]) == 0
    assert main(COMMAND) == 0
    listed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:-1] for line in listed[:3]] == [["alice", "-"], ["alice", "2026-11-24"], ["2026-11-24", "-"]]


@pytest.mark.parametrize(
    "entry", ["sha256:123", f"sha256:{'0' * 64}\talice", f"sha256:{'0' * 64} alice, of the lab", "sha256:" + "z" * 64]
)
def test_what_the_service_would_not_start_with_is_not_taken_for_a_key(
    cloud: Served, capsys: pytest.CaptureFixture[str], entry: str
) -> None:
    write(cloud, entry)
    for options in ([], ["--add", "bob"], ["--revoke", "alice"]):
        assert main([*COMMAND, *options]) == 1
        assert "The service does not start with it" in capsys.readouterr().err
    with pytest.raises(ValidationError):
        Settings.model_validate({"auth": "api-key", "api_keys": entry})
    assert Secret(NAME).read() == entry


def test_a_dry_run_changes_nothing(cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    write(cloud, OLD)
    assert main([*COMMAND, "--add", "alice", "--dry-run"]) == 0
    assert main([*COMMAND, "--revoke", Key.parse(OLD).digest, "--dry-run"]) == 1
    said = capsys.readouterr()
    assert "'alice' would be added" in said.err
    assert "only key" in said.err
    assert not said.out
    assert Secret(NAME).read() == OLD


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--add", "alice"], "is a key 'alice' already"),
        (["--revoke", "bob"], "means no key; there are: alice"),
        (["--revoke", "alice"], "without any the service does not start"),
    ],
)
def test_what_cannot_be_done(cloud: Served, capsys: pytest.CaptureFixture[str], options: list[str], words: str) -> None:
    write(cloud, with_key(Key("0" * 64, "alice", "2026-11-24"), ""))
    assert main([*COMMAND, *options]) == 1
    assert words in capsys.readouterr().err
    assert len(versions(cloud)) == 1


def test_names_that_could_not_be_kept() -> None:
    for name in ("", "two words", "a,b", "-x"):
        with pytest.raises(SystemExit) as ended:
            main([*COMMAND, f"--add={name}"])
        assert ended.value.code == 2
    for empty in (["--project="], [*COMMAND, "--revoke="]):
        with pytest.raises(SystemExit) as ended:
            main(empty)
        assert ended.value.code == 2


def test_ctrl_c(cloud: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(Secret, "change", Mock(side_effect=KeyboardInterrupt))
    assert main([*COMMAND, "--add", "alice"]) == 130
    assert "lists the keys that there are" in capsys.readouterr().err


def test_the_service_starts_anew_with_them(cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    services = cloud.client("run", "v2").projects().locations().services()
    body = {"template": template()}
    created = services.create(parent=PLACE, serviceId="kikitori", body=body).execute()
    cloud.ended(created, cloud.client("run", "v2").projects().locations().operations())
    assert main([*COMMAND, "--add", "alice", "--restart", SERVICE]) == 0
    assert "It serves, with the keys as they are now" in capsys.readouterr().err
    revisions = services.revisions().list(parent=SERVICE).execute()["revisions"]
    assert len(revisions) == 2

    cloud.fault("run.projects.locations.services.patch", operation={"status": "FAILED_PRECONDITION", "message": "No"})
    assert main([*COMMAND, "--add", "bob", "--restart", SERVICE]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("kikitori_")
    assert "did not start anew: No. The revision before goes on serving" in said.err

    pinned = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "percent": 100}
    pinned["revision"] = services.get(name=SERVICE).execute()["latestReadyRevision"].rpartition("/")[2]
    services.patch(name=SERVICE, updateMask="traffic", body={"traffic": [pinned]}).execute()
    assert main([*COMMAND, "--revoke", "bob", "--restart", SERVICE]) == 1
    assert "pinned to another revision" in capsys.readouterr().err


def test_make_passes_the_key_alone(cloud: Served) -> None:
    """What `KEY=$(make keys ADD=...)` gets."""
    command = ["make", "--silent", "--no-print-directory", "keys", "PROJECT=kikitori-local", "ADD=alice"]
    root = Path(__file__).parents[2]
    said = subprocess.run([*command, f"PYTHON={sys.executable}"], cwd=root, check=True, capture_output=True, text=True)
    assert said.stdout.count("\n") == 1
    assert lets_in(said.stdout.strip())
