"""What the pipeline writes for people: plans, drift, costs, and the one place on GitHub where it stands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from scripts import drift, github_note, plan
from scripts.cost.instance import Instance
from scripts.metrics import measured
from tests.local_cloud.cloud_run.meter import Meter
from tests.local_cloud.cloud_run.sample_meter import life
from tests.local_cloud.conftest import PLACE
from tests.processes import serving

_IMAGE = f"asia-southeast1-docker.pkg.dev/p/kikitori/kikitori@sha256:{'0' * 64}"


def _change(address: str, actions: list[str], before: object, after: object) -> dict[str, Any]:
    return {"address": address, "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}}}


def test_a_plan_names_what_changes_and_what_it_costs_at_worst_without_values() -> None:
    report = plan.markdown(
        {
            "resource_changes": [
                _change("module.service.this", ["update"], {"a": 1, "secret": "old"}, {"a": 1, "secret": "new"}),
                _change("module.alerts.this", ["no-op"], {}, {}),
                _change("module.x", ["delete", "create"], {}, {}),
            ],
            "output_changes": {
                "idle_usd_per_month": {"before": 0, "after": 0},
                "worst_case_usd_per_month": {"before": 700.5, "after": 1401},
                "cost_note": {"after": "Instance time alone"},
            },
        },
        _IMAGE,
    )
    assert "- `module.service.this` will be changed: secret" in report
    assert "`module.x` **will be destroyed and created anew**" in report
    assert "module.alerts" not in report
    assert "at worst: 700.50 USD → **1,401.00 USD**" in report
    assert "- while nobody calls: 0.00 USD" in report
    assert "old" not in report


def test_an_instance_that_idles_longer_than_google_keeps_it_is_found() -> None:
    steps = [datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=5 * number) for number in range(12)]
    there = dict.fromkeys(steps, 1.0)
    assert drift.longest_idle(there, set(steps)) == timedelta()
    assert drift.longest_idle(there, set(steps[:4])) == timedelta(minutes=40)
    assert drift.longest_idle({step: 1.0 for step in steps if step != steps[6]}, set()) == timedelta(minutes=30)


@pytest.mark.parametrize("program", ["drift", "plan", "rollback", "cost.measure"])
def test_without_the_bucket_of_the_state_it_is_asked_for(program: str) -> None:
    what = {"cost.measure": ["measure"], "drift": ["--to=nowhere"]}.get(program, [])
    command = [sys.executable, "-m", f"scripts.{program.partition('.')[0]}", *what, "--state="]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 1
    assert "output -raw state_bucket" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("signed_in")
def test_what_cloud_monitoring_measured_is_read_by_its_times(meter: Meter) -> None:
    service, day = f"{PLACE}/services/kikitori", timedelta(days=1)
    begun = (datetime.now(UTC) - 1.5 * day).timestamp()
    meter.lives.append(life("kikitori", Instance(0, asked=begun, started=begun, ready=begun + 5, ended=begun + 12.5)))
    [(until, billed)] = measured(service, "container/billable_instance_time", 7 * day, day, "ALIGN_DELTA").items()
    assert billed == pytest.approx(12.5)
    assert until.timestamp() == pytest.approx(begun + day.total_seconds() / 2, abs=60)
    assert measured(service, "container/instance_count", day, day, "ALIGN_MAX") == {}


class _GitHub:
    """Issues and comments, as far as the program asks for them."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.app = Starlette(
            routes=[
                Route("/repos/o/n/issues", self._list, methods=["GET", "POST"]),
                Route("/repos/o/n/issues/comments/{number:int}", self._change_comment, methods=["PATCH"]),
                Route("/repos/o/n/issues/{number:int}", self._change, methods=["PATCH"]),
                Route("/repos/o/n/issues/7/comments", self._of_pull_request, methods=["GET", "POST"]),
            ]
        )

    async def _list(self, request: Request) -> JSONResponse:
        if request.method == "POST":
            body = await request.json()
            self.issues.append({"number": len(self.issues) + 1, "state": "open", "html_url": "i", **body})
            return JSONResponse(self.issues[-1], 201)
        return JSONResponse([issue for issue in self.issues if issue["state"] == "open"])

    async def _change(self, request: Request) -> JSONResponse:
        issue = self.issues[request.path_params["number"] - 1]
        issue |= await request.json()
        return JSONResponse(issue)

    async def _of_pull_request(self, request: Request) -> JSONResponse:
        if request.method == "POST":
            self.comments.append({"id": len(self.comments), "html_url": "c", **await request.json()})
            return JSONResponse(self.comments[-1], 201)
        return JSONResponse(self.comments)

    async def _change_comment(self, request: Request) -> JSONResponse:
        comment = self.comments[request.path_params["number"]]
        comment |= await request.json()
        return JSONResponse(comment)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[_GitHub]:
    here = _GitHub()
    with serving(here.app) as address:
        monkeypatch.setenv("GITHUB_API_URL", address)
        monkeypatch.setenv("GITHUB_REPOSITORY", "o/n")
        monkeypatch.setenv("GITHUB_TOKEN", "none")
        yield here


def test_one_issue_is_opened_changed_and_closed(github: _GitHub, tmp_path: Path) -> None:
    github.issues.append({"number": 1, "state": "open", "html_url": "i", "title": "Drift", "body": "somebody's own"})
    file = tmp_path / "drift.md"
    for text in ("one", "two", ""):
        file.write_text(text)
        assert github_note.main(["--title", "Drift", "--file", str(file)]) == 0
    assert github.issues[0]["body"] == "somebody's own"
    [kept] = github.issues[1:]
    assert (kept["state"], "two" in kept["body"]) == ("closed", True)
    file.write_text("three")
    assert github_note.main(["--title", "Drift", "--file", str(file)]) == 0
    assert [issue["state"] for issue in github.issues] == ["open", "closed", "open"]


def test_one_comment_is_kept_up_to_date(github: _GitHub, tmp_path: Path) -> None:
    file = tmp_path / "plan.md"
    for text in ("one", "two"):
        file.write_text(text)
        assert github_note.main(["--title", "Plan", "--file", str(file), "--pull-request", "7"]) == 0
    [comment] = github.comments
    assert "two" in comment["body"]


def test_github_refuses(github: _GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.md"
    file.write_text("one")
    assert github_note.main(["--title", "Plan", "--file", str(file), "--pull-request", "8"]) == 1
    assert "404" in capsys.readouterr().err
