"""What preflight finds, against answers of the shape that Google's references document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.preflight import main
from scripts.preflight_findings import Answer, Wanted, findings

WANTED = Wanted("my-project", "123456789012", "asia-southeast1", "my-speech", "012345-6789AB-CDEF01", "USD")
_RUN = (
    "https://cloudquotas.googleapis.com/v1/projects/my-project/locations/global/services/run.googleapis.com/quotaInfos"
)
_MANAGER = "https://cloudresourcemanager.googleapis.com/v3/projects/my-project"
_BILLING = "https://cloudbilling.googleapis.com/v1"
_ACCOUNT = f"{_BILLING}/billingAccounts/012345-6789AB-CDEF01"
_SITES = "https://firebasehosting.googleapis.com/v1beta1/projects/my-project/sites/my-speech"


_SILENCE = {"error": {"message": "no answer (ConnectionError)"}}


def _quota(value: str, region: str = "asia-southeast1") -> Answer:
    return Answer(200, {"dimensionsInfos": [{"dimensions": {"region": region}, "details": {"value": value}}]})


def _disabled(service: str) -> Answer:
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": service, "consumer": "projects/123456789012"},
    }
    return Answer(403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "…", "details": [detail]}})


def _sku(description: str, nanos: int, region: str = "asia-southeast1") -> dict[str, Any]:
    rate = {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": nanos}}
    expression = {"usageUnit": "s", "tieredRates": [rate]}
    return {"description": description, "serviceRegions": [region], "pricingInfo": [{"pricingExpression": expression}]}


class Google:
    """Answers as a project does that is ready; `changes` replace answers by the beginning of an address."""

    def __init__(self, changes: Mapping[str, Answer]) -> None:
        self._changes = changes

    def __call__(self, method: str, address: str, body: Mapping[str, Any] | None) -> Answer:
        known = {
            f"{_MANAGER}:testIamPermissions": Answer(200, dict(body or {})),
            f"{_ACCOUNT}:testIamPermissions": Answer(200, dict(body or {})),
            _MANAGER: Answer(200, {"name": "projects/123456789012", "state": "ACTIVE", "projectId": "my-project"}),
            "https://serviceusage.googleapis.com/v1/projects/my-project/services:batchGet": Answer(
                200,
                {
                    "services": [
                        {"config": {"name": name.rpartition("/")[2]}, "state": "ENABLED"}
                        for name in address.partition("?")[2].split("&")
                    ]
                },
            ),
            f"{_BILLING}/projects/my-project/billingInfo": Answer(
                200, {"billingEnabled": True, "billingAccountName": "billingAccounts/012345-6789AB-CDEF01"}
            ),
            _ACCOUNT: Answer(200, {"open": True, "currencyCode": "USD"}),
            f"{_RUN}/NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion": _quota("3"),
            f"{_RUN}/CpuAllocPerProjectRegion": _quota("20000"),
            f"{_RUN}/MemAllocPerProjectRegion": _quota("-1", region=""),
            _SITES: Answer(404, {"error": {"code": 404, "status": "NOT_FOUND"}}),
            "https://my-speech.web.app/": Answer(404, {}),
            f"{_BILLING}/services/152E-C115-5142/skus": Answer(
                200, {"skus": [_sku("NVIDIA L4 GPU", 1), _sku("elsewhere", 2, "us-central1")]}
            ),
        }
        for table in (self._changes, known):
            for beginning, answer in table.items():
                if address.partition("?")[0] == beginning:
                    return answer
        raise AssertionError(f"{method} {address} is not known")


def test_a_project_that_is_ready_needs_no_mending() -> None:
    seen = list(findings(WANTED, Google({})))
    assert [finding for finding in seen if finding.mend] == []
    assert "Price: NVIDIA L4 GPU: 1e-09 USD per s" in [finding.what for finding in seen]
    assert not any("elsewhere" in finding.what for finding in seen)


@pytest.mark.parametrize(
    ("address", "answer", "what", "mend"),
    [
        (
            _MANAGER,
            Answer(403, {"error": {"message": "The caller does not have permission"}}),
            "Cannot see project",
            "gcloud projects create",
        ),
        (_MANAGER, Answer(401, {}), "credentials are not valid", "gcloud auth application-default login"),
        (
            _MANAGER,
            _disabled("cloudresourcemanager.googleapis.com"),
            "is off",
            "gcloud services enable cloudresourcemanager.googleapis.com --project=my-project",
        ),
        (_MANAGER, Answer(200, {"name": "projects/42", "state": "ACTIVE"}), "number is 42", 'project.number = "42"'),
        (
            _MANAGER,
            Answer(200, {"name": "projects/123456789012", "state": "DELETE_REQUESTED"}),
            "DELETE_REQUESTED",
            "gcloud projects undelete my-project",
        ),
        (
            "https://serviceusage.googleapis.com/v1/projects/my-project/services:batchGet",
            Answer(200, {"services": [{"config": {"name": "cloudquotas.googleapis.com"}, "state": "DISABLED"}]}),
            "Not enabled: cloudbilling",
            "gcloud services enable cloudbilling.googleapis.com cloudquotas.googleapis.com",
        ),
        (
            f"{_BILLING}/projects/my-project/billingInfo",
            Answer(200, {"billingEnabled": False, "billingAccountName": ""}),
            "Billing is not linked",
            "gcloud billing projects link my-project",
        ),
        (
            f"{_BILLING}/projects/my-project/billingInfo",
            Answer(200, {"billingEnabled": True, "billingAccountName": "billingAccounts/AAAAAA-BBBBBB-CCCCCC"}),
            "bills to AAAAAA",
            "gcloud billing projects link",
        ),
        (_ACCOUNT, Answer(200, {"currencyCode": "JPY"}), "in JPY, and the budget in USD", 'currency = "JPY"'),
        (
            f"{_MANAGER}:testIamPermissions",
            Answer(200, {"permissions": ["run.services.create"]}),
            "You lack rights on the project",
            "gcloud projects add-iam-policy-binding",
        ),
        (
            f"{_MANAGER}:testIamPermissions",
            Answer(403, {"error": {"message": "no"}}),
            "your rights on the project: no",
            "gcloud projects add-iam-policy-binding",
        ),
        (
            f"{_ACCOUNT}:testIamPermissions",
            Answer(200, {}),
            "billing.budgets.create",
            "gcloud billing accounts add-iam-policy-binding",
        ),
        (
            f"{_RUN}/NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion",
            _quota("3", "us-central1"),
            "is 0 GPUs, and 1 are needed",
            "PerProjectRegion --preferred-value=1 --dimensions=region=asia-southeast1",
        ),
        (f"{_RUN}/CpuAllocPerProjectRegion", _quota("2000"), "is 2000 thousandths", "--preferred-value=4000"),
        (f"{_RUN}/MemAllocPerProjectRegion", _quota("1000"), "bytes of memory", "--preferred-value=17179869184"),
        (
            f"{_RUN}/CpuAllocPerProjectRegion",
            _disabled("cloudquotas.googleapis.com"),
            "cloudquotas.googleapis.com is off",
            "gcloud services enable cloudquotas.googleapis.com",
        ),
        ("https://my-speech.web.app/", Answer(200, {}), "taken by somebody else", "site_id"),
        (
            _SITES,
            Answer(200, {"name": "projects/my-project/sites/my-speech"}),
            "in this project already",
            "import module.page.google_firebase_hosting_site.this projects/my-project/sites/my-speech",
        ),
        (
            f"{_BILLING}/services/152E-C115-5142/skus",
            Answer(200, {"skus": []}),
            "the catalog has none",
            "REGION= another one",
        ),
        (f"{_BILLING}/services/152E-C115-5142/skus", Answer(0, _SILENCE), "no answer", "make preflight once more"),
        ("https://my-speech.web.app/", Answer(503, {}), "whether the site's name my-speech is free", "once more"),
        (_MANAGER, Answer(0, _SILENCE), "no answer (ConnectionError)", "make preflight once more"),
        (
            "https://serviceusage.googleapis.com/v1/projects/my-project/services:batchGet",
            Answer(200, {}),
            "Not enabled: cloudbilling",
            "gcloud services enable cloudbilling.googleapis.com",
        ),
        (f"{_BILLING}/services/152E-C115-5142/skus", Answer(500, {}), "HTTP 500", "once more"),
    ],
)
def test_what_stands_in_the_way_is_named_with_its_remedy(address: str, answer: Answer, what: str, mend: str) -> None:
    seen = [finding for finding in findings(WANTED, Google({address: answer})) if finding.mend]
    assert any(what in finding.what and mend in finding.mend for finding in seen), seen


@pytest.mark.parametrize(
    ("region", "what", "mend"),
    [
        ("asia-northeast1", "no nvidia-l4 in asia-northeast1", "REGION= one of asia-southeast1"),
        ("us-central1", "in us-central1 by invitation", "region_invited = true"),
    ],
)
def test_regions_without_the_gpu_are_found(region: str, what: str, mend: str) -> None:
    seen = [finding for finding in findings(replace(WANTED, region=region), Google({})) if finding.mend]
    assert any(what in finding.what and mend in finding.mend for finding in seen), seen


def test_a_price_that_the_catalog_does_not_say() -> None:
    sku = {"description": "NVIDIA L4 GPU", "serviceRegions": ["asia-southeast1"]}
    seen = findings(WANTED, Google({f"{_BILLING}/services/152E-C115-5142/skus": Answer(200, {"skus": [sku]})}))
    assert "Price: NVIDIA L4 GPU: the catalog does not say" in [finding.what for finding in seen]


def test_without_a_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The token's address refuses connections, as every address does on a machine without a network."""
    credentials = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({**credentials, "token_uri": "http://127.0.0.1:1/token"}), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert main(["--project=p", "--site=s", "--billing-account=b"]) == 1
    said = capsys.readouterr().out
    assert "Cannot see project p: no answer" in said
    assert "make preflight once more" in said


def test_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--project=", "--site=s", "--billing-account="])
    assert ended.value.code == 2
    assert "make preflight PROJECT=... BILLING_ACCOUNT=..." in capsys.readouterr().err


def test_without_credentials(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    assert main(["--project=p", "--site=s", "--billing-account=b"]) == 1
    assert "gcloud auth application-default login" in capsys.readouterr().out
