"""Examples say all that can be said, and nothing of it is dropped: Terraform ignores unknown keys in silence."""

from __future__ import annotations

import re

import pytest

from tests.terraform import hcl
from tests.terraform.runs import FOLDERS, ROOTS, TERRAFORM, Configuration

_MODULES = [folder for folder in FOLDERS if folder not in ROOTS]


@pytest.mark.parametrize("folder", _MODULES)
def test_every_key_of_the_example_is_asserted(folder: str) -> None:
    example = hcl.read(TERRAFORM / folder / "tests" / "example.tftest.hcl")
    (variables,) = example["variables"]
    asserted = " ".join(rule["condition"] for rule in hcl.named(example["run"])["example"]["assert"])
    # var.labels["app"], var.labels.app and var.repository.id name a key.
    named = {
        match.replace('["', ".").replace('"]', "") for match in re.findall(r'\bvar((?:\.\w+|\["\w+"\])+)', asserted)
    }
    assert [key for key in hcl.leaves(variables) if f".{key}" not in named] == []


@pytest.mark.parametrize("folder", _MODULES)
def test_example_sets_every_variable(folder: str) -> None:
    (variables,) = hcl.read(TERRAFORM / folder / "tests" / "example.tftest.hcl")["variables"]
    declared = set(_variables(folder))
    # What only says that something dangerous is meant is not for an example.
    assert declared - set(variables) <= {"unauthenticated"}


@pytest.mark.parametrize("folder", ROOTS)
def test_tfvars_example_names_every_key(folder: str) -> None:
    text = (TERRAFORM / folder / "terraform.tfvars.example").read_text(encoding="utf-8")
    lines = [line.lstrip("# ") for line in text.splitlines()]
    missing = []
    for name, variable in _variables(folder).items():
        for path in hcl.keys_of_type(variable["type"], name):
            key = path.rpartition(".")[2]
            if not any(re.search(rf"(^|[{{,(\s]){key}\s*=", line) for line in lines):
                missing.append(path)
    assert missing == []


@pytest.mark.parametrize("folder", ROOTS)
def test_tfvars_example_can_be_planned(configuration: Configuration, folder: str) -> None:
    tests = configuration.root / folder / "from-example"
    tests.mkdir()
    names = ("google", "google-beta") if folder == "bootstrap" else ("google",)
    mocks = "\n".join(f'mock_provider "{name}" {{\n  source = "../mocks"\n}}\n' for name in names)
    (tests / "plan.tftest.hcl").write_text(f'{mocks}\nrun "example" {{\n  command = plan\n}}\n', encoding="utf-8")
    done = configuration.run(
        folder, "test", "-no-color", f"-test-directory={tests.name}", "-var-file=terraform.tfvars.example"
    )
    assert done.status == 0, done.out
    assert "1 passed" in done.out


def _variables(folder: str) -> dict[str, dict[str, str]]:
    return {
        name: body
        for file in sorted((TERRAFORM / folder).glob("variables*.tf"))
        for name, body in hcl.named(hcl.read(file)["variable"]).items()
    }
