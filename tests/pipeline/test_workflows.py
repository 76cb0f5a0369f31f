"""The workflows are orchestration only: what they run, a person can run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

_ROOT = Path(__file__).parents[2]
_WORKFLOWS = sorted((_ROOT / ".github/workflows").glob("*.yml"))


def _jobs(workflow: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return jobs


def _steps() -> Iterator[Any]:
    for workflow in _WORKFLOWS:
        for name, job in _jobs(workflow).items():
            for number, step in enumerate(job["steps"]):
                yield pytest.param(step, id=f"{workflow.stem}-{name}-{number}")


@pytest.mark.parametrize("step", list(_steps()))
def test_each_step_is_a_pinned_action_or_a_target_of_make(step: dict[str, Any]) -> None:
    if "uses" in step:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"])
        return
    target = re.fullmatch(r"make ([a-z-]+)", step["run"])
    assert target, step["run"]
    given = dict.fromkeys(step.get("env", {}), "x") | {"ENGINE": "whisper"}
    dry = [
        "make",
        "--dry-run",
        "--no-print-directory",
        target[1],
        *(f"{name}={value}" for name, value in given.items()),
    ]
    subprocess.run(dry, cwd=_ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("workflow", _WORKFLOWS, ids=lambda workflow: workflow.stem)
def test_a_job_has_no_right_that_it_does_not_name(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text(encoding="utf-8"))["permissions"] == {}
    for job in _jobs(workflow).values():
        assert job["timeout-minutes"] <= 90
        if any("auth@" in step.get("uses", "") for step in job["steps"]):
            # An identity is for the repository's own code: forks have neither variables nor these jobs.
            assert "vars.STATE_BUCKET != ''" in job.get("if", "") or job["needs"] == "image"
