"""terraform/app, deployed into a local Google: by Terraform and the real provider where they can be had.

Elsewhere by the values that Terraform plans with the stand-in provider, sent to the same local Google as the real
provider would send them. Either way the settings are Terraform's, and what the local Google holds is what runs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local_cloud.call import Project
from tests.local_cloud.conftest import PLACE, PROJECT, Served
from tests.local_cloud.discovery import api
from tests.local_cloud.store import Json
from tests.pipeline import bootstrap
from tests.terraform.runs import Configuration, providers, real_terraform

_IMAGE = f"asia-southeast1-docker.pkg.dev/{Project.id}/kikitori/kikitori@sha256:{'0' * 64}"
_NETWORK = f"https://www.googleapis.com/compute/v1/{PROJECT}/global/networks/kikitori"
_SUBNETWORK = f"https://www.googleapis.com/compute/v1/{PROJECT}/regions/asia-southeast1/subnetworks/kikitori"
_RUN = f"""
mock_provider "google" {{
  source = "../mocks"
}}

override_data {{
  target = module.service.data.google_compute_subnetwork.this
  values = {{
    network                  = "{_NETWORK}"
    self_link                = "{_SUBNETWORK}"
    private_ip_google_access = true
  }}
}}

run "planned" {{
  command = plan
}}

run "outputs" {{
}}
"""
_MADE_BY_BOOTSTRAP_ONLY = {
    "subnetwork": "kikitori",
    "channels": [f"{PROJECT}/notificationChannels/1"],
    "firebase": dict.fromkeys(("apiKey", "appId", "authDomain", "projectId"), "none"),
}
_ROOT_FILE = "bootstrap.auto.tfvars.json"


class TerraformError(Exception):
    """The app could not be deployed; the message is what was said."""


@dataclass(frozen=True)
class App:
    """What is deployed, as far as the page needs it."""

    environment: dict[str, str]
    page_config: Json


class Terraform:
    """The two roots in a local Google: bootstrap is applied once, app as often as its variables change."""

    def __init__(self, folder: Path, cloud: Served, *, real: bool | None = None) -> None:
        self._folder, self._cloud = folder, cloud
        self.real = real_terraform() if real is None else real
        outputs = bootstrap.by_terraform(folder, cloud) if self.real else bootstrap.by_clients(cloud)
        self._bucket = outputs["state_bucket"]
        self._variables = _read(outputs["app_tfvars"])
        if not self.real:
            _network(cloud)
            self._variables["platform"] |= _MADE_BY_BOOTSTRAP_ONLY
            self._configuration = Configuration(folder)

    def apply(self, **variables: Any) -> App:
        """Deploy the app."""
        given = {**self._variables, "image": _IMAGE, "deletion_protection": False, **variables}
        outputs = self._applied(given) if self.real else self._planned(given)
        return App(outputs["environment"], outputs["page_config"])

    def _applied(self, variables: Json) -> Json:
        root = self._folder / "terraform" / "app"
        (root / _ROOT_FILE).write_text(json.dumps(variables), encoding="utf-8")
        if not (root / ".terraform").exists():
            self._run(root, "init", "-no-color", f"-backend-config=bucket={self._bucket}")
        self._run(root, "apply", "-auto-approve", "-no-color")
        return {name: one["value"] for name, one in json.loads(self._run(root, "output", "-json")).items()}

    def _run(self, root: Path, *arguments: str) -> str:
        environment = {**os.environ, **self._cloud.environment(), "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        done = subprocess.run(
            ["terraform", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise TerraformError(f"terraform {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _planned(self, variables: Json) -> Json:
        root = self._configuration.root / "app"
        (root / "tests" / "here.tftest.hcl").write_text(_RUN, encoding="utf-8")
        (root / "here.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
        with providers():
            done = self._configuration.run(
                "app", "test", "-json", "-verbose", "-filter=tests/here.tftest.hcl", "-var-file=here.tfvars.json"
            )
        if done.status:
            raise TerraformError(f"terraform test failed:\n{done.out}")
        changes = done.of("test_plan")["planned"]["resource_changes"]
        [values] = [one["change"]["after"] for one in changes if one["type"] == "google_cloud_run_v2_service"]
        uri = self._deploy(values)
        outputs = {name: one["value"] for name, one in done.of("test_state")["outputs"]["outputs"].items()}
        return {**outputs, "page_config": {**outputs["page_config"], "service": uri}}

    def _deploy(self, values: Json) -> str:
        """Send a service as the provider would; gives its address."""
        places = self._cloud.client("run", "v2").projects().locations()
        name = f"{PLACE}/services/{values['name']}"
        body = as_sent("GoogleCloudRunV2Service", {**values, "name": None})
        known = [one["name"] for one in places.services().list(parent=PLACE).execute().get("services", [])]
        if name in known:
            operation = places.services().patch(name=name, body=body).execute()
        else:
            operation = places.services().create(parent=PLACE, serviceId=values["name"], body=body).execute()
        ended: Json = self._cloud.ended(operation, places.operations())
        if "error" in ended:
            raise TerraformError(ended["error"]["message"])
        return str(ended["response"]["uri"])


def as_sent(schema: str, values: Mapping[str, Any]) -> Json:
    """A resource's values as Google's API takes them: its provider writes snake_case, and lists of one for objects.

    As by the provider, left out are fields that the API lacks, the server's own, and what is nothing, 0 or false.
    """
    sent: Json = {}
    for name, of in api("run.v2").schema(schema)["properties"].items():
        value = values.get(re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
        if of.get("readOnly") or not value:
            continue
        sent[name] = _sent(of, value)
    return sent


def _sent(of: Json, value: Any) -> Any:
    if of.get("type") == "array":
        return [_sent(of["items"], one) for one in value]
    if "$ref" in of:
        [inner] = value if isinstance(value, list) else [value]
        return as_sent(of["$ref"], inner)
    return value


def _read(tfvars: str) -> Json:
    """Variables that bootstrap gives out, each in a line."""
    lines = (line.partition("=") for line in tfvars.splitlines() if "=" in line)
    return {name.strip(): json.loads(value) for name, _, value in lines}


def _network(cloud: Served) -> None:
    compute = cloud.client("compute", "v1")
    compute.networks().insert(project=Project.id, body={"name": "kikitori", "autoCreateSubnetworks": False}).execute()
    body = {"name": "kikitori", "network": _NETWORK, "ipCidrRange": "10.0.0.0/26", "privateIpGoogleAccess": True}
    compute.subnetworks().insert(project=Project.id, region="asia-southeast1", body=body).execute()
