"""Access keys: what the program writes into the local Google, the service lets in."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx2 as httpx
import pytest
from kikitori.app import create_app
from kikitori.settings import Settings
from pydantic import ValidationError
from starlette.responses import HTMLResponse

from scripts import google, secret, service
from scripts.keys import Key, KeysError, main, parse, with_key, without_key
from scripts.secret import Secret
from tests.local_cloud.conftest import PLACE, PROJECT, Served, served, template
from tests.processes import serving
from tests.scripted_engine import ScriptedEngine

NAME = f"{PROJECT}/secrets/kikitori-api-keys"
OLD = "a key from before it had a name"
COMMAND = ["--project", "kikitori-local"]
Change = Callable[[str], str]
SERVICE = f"{PLACE}/services/kikitori"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Has the secret as terraform/bootstrap makes it, without a version."""
    with served(tmp_path / "cloud", everything_enabled=True, with_registry=False) as here:
        here.lead_here(monkeypatch)
        monkeypatch.setattr(secret, "_PAUSE_S", 0.01)
        monkeypatch.setattr(service, "_PAUSE_S", 0.01)
        body = {"replication": {"automatic": {}}, "versionDestroyTtl": "604800s"}
        secrets(here).create(parent=PROJECT, secretId="kikitori-api-keys", body=body).execute()
        yield here


def secrets(cloud: Served) -> Any:
    return cloud.client("secretmanager", "v1").projects().secrets()


def write(cloud: Served, text: str) -> None:
    payload = {"data": base64.b64encode(text.encode()).decode()}
    secrets(cloud).addVersion(parent=NAME, body={"payload": payload}).execute()


def versions(cloud: Served) -> list[Any]:
    """The newest first."""
    found: list[Any] = secrets(cloud).versions().list(parent=NAME).execute().get("versions", [])
    return found


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


def test_an_answer_that_is_not_of_google_is_told_as_what_it_is(
    capsys: pytest.CaptureFixture[str], cloud: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def proxy(scope: Any, receive: Any, send: Any) -> None:
        await HTMLResponse("<html>later</html>", 503)(scope, receive, send)

    with serving(proxy) as url:
        monkeypatch.setenv("SECRET_MANAGER_API_URL", url)
        assert main(COMMAND) == 1
    said = capsys.readouterr().err
    assert "503 Service Unavailable" in said
    assert "changed" not in said


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


def test_what_google_refuses(
    cloud: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*COMMAND, "--secret", "other"]) == 1
    cloud.fault("secretmanager.projects.secrets.get", status=403)
    assert main([*COMMAND, "--add", "alice"]) == 1
    cloud.fault("secretmanager.projects.secrets.addVersion", drop="after")
    assert main([*COMMAND, "--add", "bob"]) == 1
    said = capsys.readouterr()
    assert "terraform/bootstrap makes it" in said.err
    assert "roles/secretmanager.admin" in said.err
    assert "cannot be reached" in said.err
    assert not said.out
    cloud.fault("secretmanager.projects.secrets.versions.list", status=401, times=3)
    assert main(COMMAND) == 1
    assert "gcloud auth application-default login" in capsys.readouterr().err
    google._session.cache_clear()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    assert main(COMMAND) == 1
    assert "gcloud auth application-default login" in capsys.readouterr().err


def test_versions_from_before_can_be_brought_back_for_a_week(cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("alice", "bob"):
        assert main([*COMMAND, "--add", name]) == 0
    newest, before = versions(cloud)
    assert newest["state"] == "ENABLED"
    assert (before["state"], "scheduledDestroyTime" in before) == ("DISABLED", True)
    cloud.fault("secretmanager.projects.secrets.versions.destroy", status=403)
    assert main([*COMMAND, "--add", "carol"]) == 0
    assert "stay readable" in capsys.readouterr().err
    secrets(cloud).patch(name=NAME, updateMask="versionDestroyTtl", body={}).execute()
    assert main([*COMMAND, "--revoke", "carol"]) == 0
    assert [(each["state"], "scheduledDestroyTime" in each) for each in versions(cloud)] == [
        ("ENABLED", False),
        ("DISABLED", False),
        ("DISABLED", False),
        ("DISABLED", True),
    ]


def test_keys_that_are_added_at_the_same_time_are_all_there(cloud: Served) -> None:
    names = [f"key-{number}" for number in range(6)]
    keys = [Key(hashlib.sha256(name.encode()).hexdigest(), name, "2026-11-24") for name in names]
    with ThreadPoolExecutor(len(keys)) as threads:
        list(threads.map(lambda key: Secret(NAME).change(partial(with_key, key)), keys))
    assert sorted(key.name for key in parse(Secret(NAME).read())) == names


def test_whoever_noted_a_version_and_died_is_not_waited_for_forever(
    cloud: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(cloud, OLD)
    secrets(cloud).patch(name=NAME, updateMask="annotations", body={"annotations": {"version-to-come": "2"}}).execute()
    monkeypatch.setattr(secret, "_PATIENCE_S", 0.1)
    assert main([*COMMAND, "--add", "alice"]) == 0
    assert "Somebody else is changing it" in capsys.readouterr().err
    assert len(parse(Secret(NAME).read())) == 2


def test_the_way_on_from_a_version_that_was_shut(cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    write(cloud, with_key(Key("1" * 64, "leaked"), OLD))
    secrets(cloud).versions().disable(name=f"{NAME}/versions/1").execute()
    for options in ([], ["--add", "alice"], ["--revoke", "leaked"]):
        assert main([*COMMAND, *options]) == 1
        assert "versions enable 1 --secret=kikitori-api-keys --project=kikitori-local. " in capsys.readouterr().err
    secrets(cloud).versions().enable(name=f"{NAME}/versions/1").execute()
    assert main([*COMMAND, "--revoke", "leaked"]) == 0

    secrets(cloud).patch(name=NAME, updateMask="versionDestroyTtl", body={}).execute()
    secrets(cloud).versions().destroy(name=f"{NAME}/versions/2").execute()
    assert main([*COMMAND, "--add", "alice"]) == 1
    said = capsys.readouterr().err
    assert "destroyed, and no instance starts with it" in said
    assert "versions add kikitori-api-keys --project=kikitori-local --data-file=-\n" in said
    write(cloud, f"{os.urandom(24).hex()}\n")
    assert main([*COMMAND, "--add", "alice"]) == 0
    assert lets_in(capsys.readouterr().out.strip())


def test_what_is_no_text(cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    payload = {"data": base64.b64encode(b"\xff").decode()}
    secrets(cloud).addVersion(parent=NAME, body={"payload": payload}).execute()
    assert main([*COMMAND, "--add", "alice"]) == 1
    assert "Version 1 of projects/kikitori-local/secrets/kikitori-api-keys is no text" in capsys.readouterr().err


def test_a_note_of_a_version_that_somebody_edited_is_none(cloud: Served) -> None:
    body = {"annotations": {"version-to-come": "soon"}}
    secrets(cloud).patch(name=NAME, updateMask="annotations", body=body).execute()
    assert main([*COMMAND, "--add", "alice"]) == 0
    assert secrets(cloud).get(name=NAME).execute()["annotations"] == {"version-to-come": "1"}


def overtaken(cloud: Served, change: Change, *, by: Change) -> Change:
    """The change, before whose version is added, and after it is announced, somebody adds another one."""
    calls = 0

    def to(text: str) -> str:
        nonlocal calls
        calls += 1
        if calls == 2:
            write(cloud, by(text))
        return change(text)

    return to


def test_what_another_one_adds_in_between_is_kept(cloud: Served) -> None:
    late, mine = (partial(with_key, Key(digit * 64, name)) for digit, name in (("1", "late"), ("2", "mine")))
    write(cloud, OLD)
    Secret(NAME).change(overtaken(cloud, mine, by=late))
    assert [key.name for key in parse(Secret(NAME).read())] == ["", "late", "mine"]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (partial(with_key, Key("2" * 64, "mine")), partial(with_key, Key("1" * 64, "mine"))),
        (partial(without_key, "bob"), lambda text: with_key(Key("1" * 64, "late"), without_key("bob", text))),
    ],
)
def test_what_another_one_adds_in_between_comes_back_when_ours_cannot_be_made_of_it(
    cloud: Served, capsys: pytest.CaptureFixture[str], mine: Change, theirs: Change
) -> None:
    before = with_key(Key("0" * 64, "bob"), OLD)
    write(cloud, before)
    with pytest.raises(KeysError, match=r"^(There is a key 'mine' already|'bob' means no key)"):
        Secret(NAME).change(overtaken(cloud, mine, by=theirs))
    assert Secret(NAME).read() == theirs(before)
    assert "Version 4 has what version 2 changed" in capsys.readouterr().err


def test_ctrl_c_before_two_changes_are_one(cloud: Served, capsys: pytest.CaptureFixture[str]) -> None:
    late = partial(with_key, Key("1" * 64, "late"))
    write(cloud, OLD)
    with pytest.raises(KeyboardInterrupt):
        Secret(NAME).change(overtaken(cloud, Mock(side_effect=[OLD, OLD, KeyboardInterrupt]), by=late))
    said = capsys.readouterr().err
    assert "add version 2 again" in said
    assert "Version 4" not in said


def test_a_version_that_another_one_still_has_to_read_is_not_put_away(cloud: Served) -> None:
    write(cloud, OLD)
    own = Secret(NAME).change(partial(with_key, Key("1" * 64, "late")))
    write(cloud, OLD)
    Secret(NAME).put_away(own)
    assert [version["state"] for version in versions(cloud)] == ["ENABLED", "ENABLED", "DISABLED"]


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
    root = Path(__file__).parent.parent
    said = subprocess.run([*command, f"PYTHON={sys.executable}"], cwd=root, check=True, capture_output=True, text=True)
    assert said.stdout.count("\n") == 1
    assert lets_in(said.stdout.strip())
