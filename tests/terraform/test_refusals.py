"""Every refusal has a test, and that test is refused for that reason alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.terraform import hcl
from tests.terraform.runs import FOLDERS, TERRAFORM, Configuration

_RUN = re.compile(r'^run "(\w+)" \{\n.*?^\}\n', re.M | re.S)
REFUSING = [folder for folder in FOLDERS if (TERRAFORM / folder / "tests" / "refusals.tftest.hcl").exists()]


def test_every_folder_with_rules_has_refusals() -> None:
    assert [folder for folder in FOLDERS if _rules(TERRAFORM / folder)] == REFUSING


@pytest.mark.parametrize("folder", REFUSING)
def test_refuses_for_the_tested_reason(configuration: Configuration, folder: str) -> None:
    tests = configuration.root / folder / "tests"
    text = (tests / "refusals.tftest.hcl").read_text(encoding="utf-8")
    head = text[: text.index('\nrun "')]
    alone = configuration.root / folder / "alone"
    alone.mkdir()
    # A run that fails ends its file, so each gets one of its own, without the word that it should fail.
    for run in _RUN.finditer(text):
        body = re.sub(r"\n  expect_failures = .*\n", "\n", run[0])
        (alone / f"{run[1]}.tftest.hcl").write_text(f"{head}\n{body}", encoding="utf-8")
    done = configuration.run(folder, "test", "-json", "-test-directory=alone")
    reasons: dict[str, list[str]] = {run[1]: [] for run in _RUN.finditer(text)}
    for line in done.lines:
        if line.get("type") == "diagnostic" and line["diagnostic"]["severity"] == "error":
            reasons[line["@testrun"]].append(line["diagnostic"]["detail"].partition("\n\nThis was checked by")[0])
    assert {name: texts for name, texts in reasons.items() if len(texts) != 1} == {}
    said = {text[0] for text in reasons.values()}
    untested = [rule for rule in _rules(TERRAFORM / folder) if not any(_begins(rule, text) for text in said)]
    assert untested == []


def _rules(folder: Path) -> list[str]:
    """The beginnings of the messages of a folder's own rules."""
    files = sorted(folder.glob("*.tf"))
    messages = []
    for file in files:
        for name, body in hcl.named(hcl.read(file).get("variable", [])).items():
            messages += [f"{name}|{rule['error_message']}" for rule in body.get("validation", [])]
        messages += [
            f"|{match}"
            for match in re.findall(
                r'postcondition \{.*?error_message = "(.*?)"\n', file.read_text(encoding="utf-8"), re.S
            )
        ]
    return messages


def _begins(rule: str, said: str) -> bool:
    """Whether a message is that of a rule, whose placeholders it has filled."""
    pattern = "".join(".*" if part.startswith("${") else re.escape(part) for part in _pieces(rule.partition("|")[2]))
    return re.fullmatch(pattern, said, re.S) is not None


def _pieces(message: str) -> list[str]:
    """A message cut into text and placeholders."""
    message = message.replace('\\"', '"').replace("\\\\", "\\")
    pieces, start, depth, index = [], 0, 0, 0
    while index < len(message):
        if message.startswith("${", index) and depth == 0:
            pieces.append(message[start:index])
            start, depth, index = index, 1, index + 2
            continue
        if depth:
            depth += (message[index] == "{") - (message[index] == "}")
            if depth == 0:
                pieces.append(message[start : index + 1])
                start = index + 1
        index += 1
    return [*pieces, message[start:]]
