"""The secret of the access keys in the local Google, and what happens to it meanwhile."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from starlette.responses import HTMLResponse

from scripts import google, secret
from scripts.keys import Key, KeysError, main, parse, with_key, without_key
from scripts.secret import Secret
from tests.keys.conftest import COMMAND, NAME, OLD, secrets, versions, write
from tests.local_cloud.conftest import Served
from tests.processes import serving

Change = Callable[[str], str]


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
    assert [key.name for key in parse(Secret(NAME).read())] == ["", "alice"]


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
