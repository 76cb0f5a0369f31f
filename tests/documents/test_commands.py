"""Commands in the documents are run by a test, or the documents say that they were not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.documents.commands import LACKS, TESTS, Lack, proof
from tests.documents.makefile import calls, targets
from tests.documents.pages import ROOT, Page, page, pages
from tests.local_cloud.conftest import served


@pytest.mark.parametrize("here", pages(), ids=lambda here: here.name)
def test_each_command_is_proved(here: Page) -> None:
    assert [command for command in here.commands if proof(command) is None] == []


@pytest.mark.parametrize("test", TESTS)
def test_what_proves_them_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    commands = [command for here in pages() for command in here.commands]
    assert [one for one in TESTS[test] if not any(re.fullmatch(one, command) for command in commands)] == []


@pytest.mark.parametrize("lack", LACKS, ids=lambda lack: lack.words)
def test_what_was_not_tried_is_said(lack: Lack) -> None:
    assert lack.words in page(lack.page).text
    assert any(proof(command) == lack for here in pages() for command in here.commands)


@pytest.mark.parametrize("here", pages(), ids=lambda here: here.name)
def test_targets_of_make_are_there_and_read_these_variables(here: Page) -> None:
    known = targets()
    for command in (*here.commands, *(code for code in here.code if code.startswith("make "))):
        for target, variables in calls(command):
            assert target in known, command
            assert variables <= set(re.findall(r"\b[A-Z][A-Z_]+\b", known[target])), command


def test_each_target_of_make_is_in_a_document() -> None:
    named = {target for here in pages() for code in (*here.commands, *here.code) for target, _ in calls(code)}
    assert set(targets()) - named == set()


def test_a_clone_has_its_commands(tmp_path: Path) -> None:
    [clone] = [command for command in page("README.md").commands if command.startswith("git clone")]
    _shell(clone.replace("<address of this repository>", str(ROOT)), tmp_path)
    assert "make run" in _shell("make -C kikitori help", tmp_path)


def test_the_local_cloud_answers(tmp_path: Path) -> None:
    commands = [command for command in page("docs/local-cloud.md").commands if command.startswith("curl ")]
    with served(tmp_path / "state", everything_enabled=True, with_registry=False) as cloud:
        for command in commands:
            _shell(
                command.replace("http://127.0.0.1:8085", cloud.url).replace("curl ", "curl -sS --fail-with-body "),
                tmp_path,
            )
    assert len(commands) == 3


def _shell(command: str, folder: Path) -> str:
    done = subprocess.run(["sh", "-ec", command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
