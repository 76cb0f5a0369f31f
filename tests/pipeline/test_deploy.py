"""The pipeline deploys for real: by act, and by hand as an operator does.

Real are the workflow, make, the scripts, the build of an image (of the code alone), its push to a registry, the
exchange of the job's token, firebase-tools, the services that the smoke test calls (processes of the local Cloud Run)
and the page. Google's APIs are the local cloud's. Terraform is real where Google's provider is; elsewhere a stand-in of
it applies the same service, which the test's output says. GitHub itself, its runners and what attests are not here.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.oci import layout, push
from tests.pipeline.conftest import KEY, Repository, app_tfvars


def test_from_a_commit_to_a_deployment_and_back(repository: Repository) -> None:
    address = repository.variables["IMAGE_ADDRESS"]
    digest = layout(repository.folder / ".cache/first", "the first")
    pushed = push(repository.folder / ".cache/first", f"{address}:first", repository.environment)
    assert pushed.returncode == 0, pushed.stderr
    first = f"{address}@{digest}"

    # By hand, to where nothing is yet.
    assert repository.make("deploy", f"IMAGE={first}", KIKITORI_API_KEY=KEY) == 0
    assert repository.serving().endswith(digest)
    first_page = repository.page()

    # By the pipeline: tried at an address of its own, then served.
    assert repository.act("deploy.yml") == 0
    second = repository.serving()
    assert Path(repository.environment["ATTESTED"]).read_text().split() == [f"{address}@{second.rpartition('@')[2]}"]
    tried, served = repository.said.split("The image gets all traffic")
    assert "whisper-tiny.en transcribes" in tried
    assert "its headers let it call that, and record" in served
    assert KEY not in repository.said
    second_page = repository.page()
    assert second_page != first_page

    # Back by hand: said first, then done, then nothing is left to do.
    assert repository.make("rollback", "DRY_RUN=1") == 0
    assert (repository.serving(), repository.page()) == (second, second_page)
    for _ in range(2):
        assert repository.make("rollback") == 0
        assert repository.serving().endswith(digest)
        assert repository.page() == first_page

    # The same commit is not built again. Its settings do not work, which is found before anybody meets them.
    repository.variables["APP_TFVARS"] = app_tfvars(repository.site, 'KIKITORI_MAX_AUDIO_S = "1"')
    assert repository.act("deploy.yml") == 1
    assert "was pushed before" in repository.said
    assert re.search(r"transcribes: no\. POST \S+ answered 4\d\d", repository.said)
    assert "The image gets all traffic" not in repository.said
    assert repository.serving().endswith(digest)
    assert repository.page() == first_page

    # A page that may not record is found only when it is served: image and page come back.
    repository.variables["APP_TFVARS"] = app_tfvars(repository.site)
    repository.change("web/headers.json", "microphone=(self)", "microphone=()")
    assert repository.make("deploy", f"IMAGE={second}", KIKITORI_API_KEY=KEY) == 2
    assert "does not allow the microphone" in repository.said
    assert "What was served before is served again" in repository.said
    assert repository.serving().endswith(digest)
    assert repository.page() == first_page

    if repository.real_terraform:
        _plans(repository, first)


def _plans(repository: Repository, first: str) -> None:
    """What a pull request and the night are told, while an earlier revision serves."""
    assert repository.make("plan") == 0
    report = (repository.folder / ".cache/plan.md").read_text()
    assert "will be changed: traffic" in report
    assert "at worst: not known" in report
    assert "No price is known" in report
    assert repository.make("deploy", f"IMAGE={first}", "DRY_RUN=1") == 0
    assert "1 to change" in repository.said
    assert repository.make("drift") == 0
    assert "a deploy was taken back" in (repository.folder / ".cache/drift.md").read_text()
    assert repository.make("cost-measure") == 0
    assert re.search(r"\| \*\*all\*\* \| [1-9][\d,]* s \|", repository.said)
