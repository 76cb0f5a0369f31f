"""What can stand in the way of a first `terraform apply`: looked at in Google's answers, each with its remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CLOUD_RUN_SKUS = "https://cloudbilling.googleapis.com/v1/services/152E-C115-5142/skus"
_REGIONS = Path(__file__).parent.parent / "terraform/modules/gpu-service/regions.json"
_GPU = "nvidia-l4"
_NEEDED_FIRST = ("cloudbilling", "cloudquotas", "cloudresourcemanager", "firebasehosting", "serviceusage")
"""APIs that this program and Terraform's own first steps ask; Terraform enables the others."""
_RIGHTS = (
    "artifactregistry.repositories.create",
    "artifactregistry.repositories.setIamPolicy",
    "compute.networks.create",
    "compute.subnetworks.create",
    "firebase.clients.create",
    "firebase.projects.update",
    "firebasehosting.sites.create",
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.setIamPolicy",
    "iam.workloadIdentityPoolProviders.create",
    "iam.workloadIdentityPools.create",
    "logging.logMetrics.create",
    "monitoring.alertPolicies.create",
    "monitoring.notificationChannels.create",
    "pubsub.topics.create",
    "pubsub.topics.setIamPolicy",
    "resourcemanager.projects.setIamPolicy",
    "run.services.create",
    "secretmanager.secrets.create",
    "secretmanager.secrets.setIamPolicy",
    "secretmanager.versions.add",
    "serviceusage.services.enable",
    "storage.buckets.create",
)
"""Of both roots' first applies. Rights on a bucket's settings and policy are not among them: roles/owner lacks them for
the project, and the buckets' own policies give them to its owners."""
_BILLING_RIGHTS = ("billing.budgets.create",)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body of a response; status 0 where none came, with an error of Google's shape as the body."""

    status: int
    body: Mapping[str, Any]


Send = Callable[[str, str, Mapping[str, Any] | None], Answer]
"""Sends a request: method, address, body as JSON."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be deployed."""

    project: str
    number: str
    region: str
    site: str
    billing_account: str
    currency: str
    instances: int = 1
    cpu: int = 4
    memory_gib: int = 16
    zonal_redundancy: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at: well, or with the command that mends it."""

    what: str
    mend: str = ""


def findings(wanted: Wanted, send: Send) -> Iterator[Finding]:
    """Look at everything. Ends early where nothing further could be seen."""
    yield from _region(wanted)
    project = send("GET", f"https://cloudresourcemanager.googleapis.com/v3/projects/{wanted.project}", None)
    if project.status != 200:
        yield _unreadable(
            project, wanted, f"project {wanted.project}", f"gcloud projects create {wanted.project}, or correct PROJECT"
        )
        return
    yield from _project(wanted, project.body)
    yield from _services(wanted, send)
    yield from _billing(wanted, send)
    yield from _rights(wanted, send)
    yield from _quotas(wanted, send)
    yield from _site(wanted, send)
    yield from _prices(wanted, send)


def _region(wanted: Wanted) -> Iterator[Finding]:
    regions = json.loads(_REGIONS.read_text(encoding="utf-8"))["regions"]
    gpus = {name: region["gpus"][_GPU] for name, region in regions.items() if _GPU in region["gpus"]}
    free = ", ".join(name for name, gpu in gpus.items() if not gpu["by_invitation"])
    if wanted.region not in gpus:
        yield Finding(f"Cloud Run has no {_GPU} in {wanted.region}, as far as is known", f"REGION= one of {free}")
    elif gpus[wanted.region]["by_invitation"]:
        yield Finding(
            f"Google gives out {_GPU} in {wanted.region} by invitation",
            f"region_invited = true, if the project has one; else REGION= one of {free}",
        )
    else:
        yield Finding(f"Cloud Run has {_GPU} in {wanted.region}")


def _project(wanted: Wanted, body: Mapping[str, Any]) -> Iterator[Finding]:
    number = str(body["name"]).removeprefix("projects/")
    if body.get("state") != "ACTIVE":
        yield Finding(f"The project is {body.get('state')}", f"gcloud projects undelete {wanted.project}")
    if wanted.number and wanted.number != number:
        yield Finding(f"The project's number is {number}, not {wanted.number}", f'project.number = "{number}"')
    else:
        yield Finding(f"Project {wanted.project}, number {number}")


def _services(wanted: Wanted, send: Send) -> Iterator[Finding]:
    names = "&".join(f"names=projects/{wanted.project}/services/{name}.googleapis.com" for name in _NEEDED_FIRST)
    answer = send(
        "GET", f"https://serviceusage.googleapis.com/v1/projects/{wanted.project}/services:batchGet?{names}", None
    )
    if answer.status != 200:
        yield _unreadable(answer, wanted, "services")
        return
    enabled = {
        service.get("config", {}).get("name")
        for service in answer.body.get("services", [])
        if service.get("state") == "ENABLED"
    }
    missing = [f"{name}.googleapis.com" for name in _NEEDED_FIRST if f"{name}.googleapis.com" not in enabled]
    if missing:
        yield Finding(
            f"Not enabled: {', '.join(missing)}",
            f"gcloud services enable {' '.join(missing)} --project={wanted.project}",
        )
    else:
        yield Finding("The services that come first are enabled")


def _billing(wanted: Wanted, send: Send) -> Iterator[Finding]:
    answer = send("GET", f"https://cloudbilling.googleapis.com/v1/projects/{wanted.project}/billingInfo", None)
    if answer.status != 200:
        yield _unreadable(answer, wanted, "billing")
        return
    link = f"gcloud billing projects link {wanted.project} --billing-account={wanted.billing_account}"
    linked = str(answer.body.get("billingAccountName", "")).removeprefix("billingAccounts/")
    if not answer.body.get("billingEnabled"):
        yield Finding("Billing is not linked, or its account is closed", link)
        return
    if linked != wanted.billing_account:
        yield Finding(f"The project bills to {linked}, and the budget would watch {wanted.billing_account}", link)
        return
    account = send("GET", f"https://cloudbilling.googleapis.com/v1/billingAccounts/{wanted.billing_account}", None)
    currency = account.body.get("currencyCode")
    if account.status == 200 and wanted.currency and currency and currency != wanted.currency:
        yield Finding(
            f"The billing account is in {currency}, and the budget in {wanted.currency}", f'currency = "{currency}"'
        )
    else:
        yield Finding(f"Billed to {wanted.billing_account}")


def _rights(wanted: Wanted, send: Send) -> Iterator[Finding]:
    places = (
        (
            "project",
            f"https://cloudresourcemanager.googleapis.com/v3/projects/{wanted.project}",
            _RIGHTS,
            f"gcloud projects add-iam-policy-binding {wanted.project} --member=user:YOU --role=roles/owner",
        ),
        (
            "billing account",
            f"https://cloudbilling.googleapis.com/v1/billingAccounts/{wanted.billing_account}",
            _BILLING_RIGHTS,
            f"gcloud billing accounts add-iam-policy-binding {wanted.billing_account}"
            " --member=user:YOU --role=roles/billing.costsManager",
        ),
    )
    for place, address, needed, mend in places:
        answer = send("POST", f"{address}:testIamPermissions", {"permissions": list(needed)})
        if answer.status != 200:
            yield _unreadable(answer, wanted, f"your rights on the {place}")
            continue
        held = answer.body.get("permissions", [])
        missing = [right for right in needed if right not in held]
        if missing:
            yield Finding(f"You lack rights on the {place}: {', '.join(missing)}", mend)
        else:
            yield Finding(f"Your rights on the {place}")


def _quotas(wanted: Wanted, send: Send) -> Iterator[Finding]:
    gpu = f"NvidiaL4GpuAlloc{'' if wanted.zonal_redundancy else 'NoZonalRedundancy'}PerProjectRegion"
    # Google counts the CPU in thousandths and the memory in bytes.
    needed = (
        (gpu, wanted.instances, "GPUs"),
        ("CpuAllocPerProjectRegion", wanted.instances * wanted.cpu * 1000, "thousandths of a vCPU"),
        ("MemAllocPerProjectRegion", wanted.instances * wanted.memory_gib << 30, "bytes of memory"),
    )
    base = (
        f"https://cloudquotas.googleapis.com/v1/projects/{wanted.project}/locations/global/services/run.googleapis.com"
    )
    for quota, amount, unit in needed:
        answer = send("GET", f"{base}/quotaInfos/{quota}", None)
        if answer.status != 200:
            yield _unreadable(answer, wanted, f"the quota {quota}")
            continue
        granted = _granted(answer.body, wanted.region)
        if 0 <= granted < amount:
            yield Finding(
                f"The quota {quota} in {wanted.region} is {granted} {unit}, and {amount} are needed",
                f"gcloud beta quotas preferences create --service=run.googleapis.com --quota-id={quota}"
                f" --preferred-value={amount} --dimensions=region={wanted.region} --project={wanted.project}",
            )
        else:
            yield Finding(f"The quota {quota}: {'unlimited' if granted < 0 else granted} {unit}")


def _granted(quota: Mapping[str, Any], region: str) -> int:
    """What a region is granted: what is said of it, else of all regions; nothing is 0, and -1 is without limit."""
    values = {
        info.get("dimensions", {}).get("region", ""): int(info.get("details", {}).get("value", 0))
        for info in quota.get("dimensionsInfos", [])
    }
    return values.get(region, values.get("", 0))


def _site(wanted: Wanted, send: Send) -> Iterator[Finding]:
    sites = f"https://firebasehosting.googleapis.com/v1beta1/projects/{wanted.project}/sites"
    if send("GET", f"{sites}/{wanted.site}", None).status == 200:
        yield Finding(
            f"The site {wanted.site} is in this project already, and Terraform does not know it",
            f"terraform -chdir=terraform/bootstrap import module.page.google_firebase_hosting_site.this"
            f" projects/{wanted.project}/sites/{wanted.site}",
        )
        return
    # The API needs Firebase on the project, which the first apply adds; anyone can see whether the name is served.
    served = send("GET", f"https://{wanted.site}.web.app/", None)
    if served.status == 404:
        yield Finding(f"The site's name {wanted.site} seems to be free")
    elif served.status == 0 or served.status >= 500:
        yield _unreadable(served, wanted, f"whether the site's name {wanted.site} is free")
    else:
        yield Finding(
            f"The site's name {wanted.site} is taken by somebody else", f'site_id = "{wanted.project}-speech", say'
        )


def _prices(wanted: Wanted, send: Send) -> Iterator[Finding]:
    token, found = "", []
    while True:
        answer = send("GET", f"{_CLOUD_RUN_SKUS}?currencyCode=USD&pageSize=5000&pageToken={token}", None)
        if answer.status != 200:
            yield _unreadable(answer, wanted, "the prices of Cloud Run")
            return
        found += [sku for sku in answer.body.get("skus", []) if wanted.region in sku.get("serviceRegions", [])]
        token = answer.body.get("nextPageToken", "")
        if not token:
            break
    for sku in found:
        yield Finding(f"Price: {sku.get('description')}: {_price(sku)}")
    if not found:
        yield Finding(
            f"Price: the catalog has none for Cloud Run in {wanted.region}", "REGION= another one, or price = { ... }"
        )


def _price(sku: Mapping[str, Any]) -> str:
    """What a unit costs beyond all free ones, in words."""
    expression = (sku.get("pricingInfo") or [{}])[-1].get("pricingExpression", {})
    rates = expression.get("tieredRates", [])
    if not rates:
        return "the catalog does not say"
    price = rates[-1].get("unitPrice", {})
    dollars = int(price.get("units", 0)) + price.get("nanos", 0) / 1e9
    return f"{dollars:.9g} USD per {expression.get('usageUnit')}"


def _unreadable(answer: Answer, wanted: Wanted, what: str, mend: str = "") -> Finding:
    error = answer.body.get("error", {})
    reasons = {detail.get("reason"): detail.get("metadata", {}) for detail in error.get("details", [])}
    if "SERVICE_DISABLED" in reasons:
        service = reasons["SERVICE_DISABLED"].get("service", "the API")
        return Finding(
            f"Cannot see {what}: {service} is off", f"gcloud services enable {service} --project={wanted.project}"
        )
    if answer.status == 401:
        return Finding(f"Cannot see {what}: your credentials are not valid", "gcloud auth application-default login")
    if answer.status == 0 or answer.status >= 500:
        mend = "make preflight once more, when the network and Google answer"
    if answer.status == 403 and not mend:
        mend = f"gcloud projects add-iam-policy-binding {wanted.project} --member=user:YOU --role=roles/owner"
    said = error.get("message", f"HTTP {answer.status}")
    return Finding(f"Cannot see {what}: {said}", mend or "make preflight once more; the message above is Google's")
