"""Every module and root is well formed, valid and passes its own tests."""

from __future__ import annotations

import pytest

from tests.terraform.runs import FOLDERS, Configuration, Finished


def test_files_are_formatted(configuration: Configuration) -> None:
    done = configuration.run("bootstrap", "fmt", "-check", "-recursive", "-diff", "..")
    assert done.status == 0, f"make format mends this:\n{done.out}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_is_valid(configuration: Configuration, folder: str) -> None:
    done = configuration.run(folder, "validate", "-json")
    assert done.status == 0, done.out
    assert '"warning_count": 0' in done.out, done.out


@pytest.mark.parametrize("folder", FOLDERS)
def test_passes_its_own_tests(configuration: Configuration, folder: str) -> None:
    done = configuration.tested(folder)
    results = done.of("test_run")
    failed = [name for name, run in results.items() if run.get("status") not in ("pass", None)]
    assert done.status == 0, _complaints(done)
    assert not failed
    assert {"example", "policy"} & set(results), "a folder without an example is not tested"


_BUCKET = 'resource "google_storage_bucket" "x" {{\n  name = "x"\n  location = "asia-southeast1"\n  {}\n}}\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (_BUCKET.format('storage_clas = "STANDARD"'), "Unsupported argument"),
        ('resource "google_storage_bucket" "x" {\n  name = "x"\n}\n', "Missing required argument"),
        (_BUCKET.format("version {\n    enabled = true\n  }"), "Unsupported block type"),
        (_BUCKET.format("versioning = { enabled = true }"), "Unsupported argument"),
        (_BUCKET.format('labels = "none"'), "Incorrect attribute value type"),
        (_BUCKET.format("versioning {\n    enabled = true\n  }\n  versioning {\n    enabled = true\n  }"), "Too many"),
        ('resource "google_firebase_project" "x" {\n}\n', "Invalid resource type"),
    ],
)
def test_schemas_are_enforced(configuration: Configuration, text: str, complaint: str) -> None:
    file = configuration.root / "modules" / "project-services" / "mistake.tf"
    file.write_text(text, encoding="utf-8")
    try:
        done = configuration.run("modules/project-services", "validate", "-no-color")
    finally:
        file.unlink()
    assert done.status == 1
    assert complaint in done.out


def _complaints(done: Finished) -> str:
    diagnostics = [line["diagnostic"] for line in done.lines if line.get("type") == "diagnostic"]
    return "\n".join(f"{item['summary']}: {item.get('detail', '')}" for item in diagnostics) or done.out
