"""What terraform/bootstrap makes, as far as the pipeline needs it: by itself, or by Google's own clients."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.local_cloud.call import Project
from tests.local_cloud.conftest import PLACE, PROJECT, Served
from tests.pipeline.github import ISSUER, REPOSITORY

ROOT = Path(__file__).parents[2]
SITE = "kikitori-speech"


def by_terraform(folder: Path, cloud: Served) -> dict[str, str]:
    github = REPOSITORY
    root = folder / "terraform/bootstrap"
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=ignored, dirs_exist_ok=True)
    (root / "terraform.tfvars").write_text(f"""
project = {{ id = "{Project.id}", number = "{Project.number}" }}
site_id = "{SITE}"
budget  = {{ billing_account = "{Project.billing_account}", units = 30, emails = ["ops@example.com"] }}
github  = {{ repository = {{ id = "{github["repository_id"]}", owner_id = "{github["repository_owner_id"]}" }} }}
""")
    environment = {**os.environ, **cloud.environment(), "TF_IN_AUTOMATION": "1"}
    for command in (["init", "-no-color"], ["apply", "-auto-approve", "-no-color", "-parallelism=50"]):
        done = subprocess.run(["terraform", *command], cwd=root, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    said = subprocess.run(["terraform", "output", "-json"], cwd=root, env=environment, check=True, capture_output=True)
    return {name: output["value"] for name, output in json.loads(said.stdout).items()}


def by_clients(cloud: Served) -> dict[str, str]:
    """What of it the pipeline needs, by Google's own clients."""
    for name in ("run", "secretmanager", "artifactregistry", "firebase", "firebasehosting", "iam", "iamcredentials"):
        _enable(cloud, name)
    for name in ("sts", "containeranalysis", "monitoring", "compute", "storage"):
        _enable(cloud, name)
    firebase = cloud.client("firebase", "v1beta1")
    cloud.ended(firebase.projects().addFirebase(project=PROJECT, body={}).execute(), firebase.operations())
    sites = cloud.client("firebasehosting", "v1beta1").projects().sites()
    site = sites.create(parent=PROJECT, siteId=SITE, body={}).execute()
    repositories = cloud.client("artifactregistry", "v1").projects().locations()
    body: dict[str, Any] = {"format": "DOCKER", "dockerConfig": {"immutableTags": True}}
    made = repositories.repositories().create(parent=PLACE, repositoryId="kikitori", body=body).execute()
    cloud.ended(made, repositories.operations())
    body = {"replication": {"automatic": {}}}
    secrets = cloud.client("secretmanager", "v1").projects().secrets()
    secret = secrets.create(parent=PROJECT, secretId="kikitori-api-keys", body=body).execute()["name"]
    provider, accounts = _identities(cloud)
    reader = {"role": "roles/secretmanager.secretAccessor", "members": [f"serviceAccount:{accounts['kikitori']}"]}
    secrets.setIamPolicy(resource=secret, body={"policy": {"bindings": [reader]}}).execute()
    platform = {
        "origins": [f"https://{SITE}.web.app"],
        "page": {"site_id": SITE, "url": site["defaultUrl"]},
        "service_account": accounts["kikitori"],
        "weights_bucket": f"{Project.id}-weights",
    }
    tfvars = {"project_id": Project.id, "region": "asia-southeast1", "name": "kikitori", "platform": platform}
    return {
        "state_bucket": f"{Project.id}-terraform",
        "identity_provider": provider,
        "plan_account": accounts["github-plan"],
        "deploy_account": accounts["github-deploy"],
        "image_address": f"asia-southeast1-docker.pkg.dev/{Project.id}/kikitori/kikitori",
        "app_tfvars": "".join(f"{name} = {json.dumps(value)}\n" for name, value in tfvars.items()),
    }


def _enable(cloud: Served, name: str) -> None:
    usage = cloud.client("serviceusage", "v1")
    asked = usage.services().enable(name=f"projects/{Project.number}/services/{name}.googleapis.com", body={}).execute()
    if not asked.get("done"):
        cloud.ended(asked, usage.operations())


def _identities(cloud: Served) -> tuple[str, dict[str, str]]:
    """The pool that lets in the jobs of main as the account that deploys, and the accounts by their ids."""
    projects = cloud.client("iam", "v1").projects()
    pools, parent = projects.locations().workloadIdentityPools(), f"{PROJECT}/locations/global"
    pools.create(parent=parent, workloadIdentityPoolId="github", body={}).execute()
    provider = {
        "attributeMapping": {"google.subject": "assertion.sub", "attribute.role": "'deploy'"},
        "attributeCondition": f"assertion.repository_id == '{REPOSITORY['repository_id']}'",
        "oidc": {"issuerUri": ISSUER},
    }
    pools.providers().create(
        parent=f"{parent}/workloadIdentityPools/github", workloadIdentityPoolProviderId="github-actions", body=provider
    ).execute()
    pool = f"projects/{Project.number}/locations/global/workloadIdentityPools/github"
    accounts = {}
    for name in ("kikitori", "github-plan", "github-deploy"):
        made = projects.serviceAccounts().create(name=PROJECT, body={"accountId": name}).execute()
        accounts[name] = made["email"]
        member = f"principalSet://iam.googleapis.com/{pool}/attribute.role/{name.removeprefix('github-')}"
        policy = {"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": [member]}]}
        projects.serviceAccounts().setIamPolicy(resource=made["name"], body={"policy": policy}).execute()
    return f"{pool}/providers/github-actions", accounts
