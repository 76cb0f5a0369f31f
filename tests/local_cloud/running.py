"""The stand-in opened on a folder of state, and the environment by which Google's clients reach it."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.docker_registry import docker_registry

from .admission import LOCATIONS
from .call import Cloud, Project
from .cloud_run.meter import Meter
from .images import Images
from .registry import Registry, auth_file, registries_conf
from .server import LocalCloud
from .services import resourcemanager, serviceusage
from .store import Json, Store
from .table import table

_TERRAFORM = {
    "ARTIFACT_REGISTRY": "artifactregistry.googleapis.com/v1",
    "BILLING_BUDGETS": "billingbudgets.googleapis.com/v1",
    "CLOUD_BILLING": "cloudbilling.googleapis.com/v1",
    "CLOUD_RUN_V2": "run.googleapis.com/v2",
    "COMPUTE": "compute.googleapis.com/compute/v1",
    "FIREBASE": "firebase.googleapis.com/v1beta1",
    "FIREBASE_APP_CHECK": "firebaseappcheck.googleapis.com/v1",
    "FIREBASE_HOSTING": "firebasehosting.googleapis.com/v1beta1",
    "IAM_BETA": "iam.googleapis.com/v1",
    "IAM_CREDENTIALS": "iamcredentials.googleapis.com/v1",
    "IDENTITY_PLATFORM": "identitytoolkit.googleapis.com/v2",
    "LOGGING": "logging.googleapis.com/v2",
    "MONITORING": "monitoring.googleapis.com",
    "PUBSUB": "pubsub.googleapis.com/v1",
    "RESOURCE_MANAGER": "cloudresourcemanager.googleapis.com/v1",
    "SECRET_MANAGER": "secretmanager.googleapis.com/v1",
    "SERVICE_USAGE": "serviceusage.googleapis.com/v1",
    "STORAGE": "storage/v1",
}
"""What `GOOGLE_*_CUSTOM_ENDPOINT` is for each product of Terraform's providers."""

_FIREBASE = {
    "FIREBASE_API_URL": "firebase.googleapis.com",
    "FIREBASE_HOSTING_API_URL": "firebasehosting.googleapis.com",
    "FIREBASE_RESOURCEMANAGER_URL": "cloudresourcemanager.googleapis.com",
    "FIREBASE_SERVICE_USAGE_URL": "serviceusage.googleapis.com",
    "FIREBASE_IDENTITY_URL": "identitytoolkit.googleapis.com",
    "FIREBASE_TOKEN_URL": "sts.googleapis.com",
    "CLOUD_RUN_API_URL": "run.googleapis.com",
}


_SCRIPTS = {
    "API_ENDPOINT_OVERRIDE": "",  # Cloud Storage's library
    "BIGQUERY_API_URL": "bigquery.googleapis.com",
    "CLOUD_RUN_API_URL": _FIREBASE["CLOUD_RUN_API_URL"],
    "CONTAINER_ANALYSIS_API_URL": "containeranalysis.googleapis.com",
    "LOGGING_API_URL": "logging.googleapis.com",
    "MONITORING_API_URL": "monitoring.googleapis.com",
    "SECRET_MANAGER_API_URL": "secretmanager.googleapis.com",
}


def signed_in(url: str, state: Path, project: Project) -> dict[str, str]:
    """The environment of this repository's scripts and of its service, signed in as a person with a password does."""
    file = (state / "credentials.json").absolute()
    credentials = {
        "type": "external_account_authorized_user",
        # No pool's name: of one, google-auth would ask Google itself from where it may be used.
        "audience": "local",
        "client_id": "local",
        "client_secret": "local",
        "refresh_token": "local",
        "token_url": f"{url}/sts.googleapis.com/v1/oauthtoken",
    }
    file.write_text(json.dumps(credentials), encoding="utf-8")
    addresses = {name: f"{url}/{host}".rstrip("/") for name, host in _SCRIPTS.items()}
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "GOOGLE_CLOUD_PROJECT": project.id, **addresses}


def environment(url: str, state: Path, project: Project) -> dict[str, str]:
    """The environment of Terraform, firebase-tools, skopeo and buildah."""
    return {
        "GOOGLE_OAUTH_ACCESS_TOKEN": "fake",
        "GOOGLE_PROJECT": project.id,
        **{f"GOOGLE_{name}_CUSTOM_ENDPOINT": f"{url}/{path}/" for name, path in _TERRAFORM.items()},
        "GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT": f"{url}/storage/v1/b",
        **{name: f"{url}/{path}" for name, path in _FIREBASE.items()},
        "FIREBASE_TOKEN": "fake",
        "CONTAINERS_REGISTRIES_CONF": str((state / "registries.conf").absolute()),
        "REGISTRY_AUTH_FILE": str((state / "auth.json").absolute()),
    }


def exports(url: str, state: Path, project: Project) -> str:
    """Lines for a shell, after which all of these reach it."""
    variables = environment(url, state, project) | signed_in(url, state, project)
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


@contextmanager
def opened(
    state: Path,
    url: str,
    project: Project | None = None,
    *,
    everything_enabled: bool = False,
    issuers: Mapping[str, Json] | None = None,
    addresses: Mapping[str, str] | None = None,
    with_registry: bool = True,
    meter: Meter | None = None,
) -> Iterator[LocalCloud]:
    """The application on a folder, with a project as a person makes it, and a registry where Debian's is installed."""
    state.mkdir(parents=True, exist_ok=True)
    store = Store(state / "state.sqlite3")
    images = Images(state / "images") if with_registry and shutil.which("docker-registry") else None
    cloud = Cloud(store, project or Project(), url, dict(issuers or {}), dict(addresses or {}), images, meter)
    with store.transaction():
        _found(cloud, everything_enabled=everything_enabled)
    address = url.removeprefix("http://")
    auth_file(state / "auth.json", address)
    registries_conf(state / "registries.conf", address, tuple(sorted(place for place in LOCATIONS if "-" in place)))
    try:
        if images:
            with docker_registry(images.folder, state) as port:
                yield LocalCloud(cloud, Registry(f"http://127.0.0.1:{port}"))
        else:
            yield LocalCloud(cloud)
    finally:
        store.close()


def project_of(state: Path) -> str | None:
    """The project that a folder of state has already."""
    file = state / "state.sqlite3"
    if not file.exists():
        return None
    store = Store(file)
    names = [name.removeprefix(f"{resourcemanager.HOST}/projects/") for name in store.policies()]
    store.close()
    return next((name for name in names if "/" not in name), None)


def _found(cloud: Cloud, *, everything_enabled: bool) -> None:
    """Make the project, once: its owner and its first APIs."""
    store, project = cloud.store, cloud.project
    name = f"{resourcemanager.HOST}/projects/{project.id}"
    if store.policy(name):
        return
    store.set_policy(name, resourcemanager.owners(cloud))
    hosts = [f"{service}.googleapis.com" for service in serviceusage.DEFAULT]
    for host in {*hosts, *(table().apis if everything_enabled else ())}:
        body = serviceusage.service_body(project.number, host, "ENABLED")
        store.put(f"{serviceusage.HOST}/projects/{project.id}/services/{host}", body)
