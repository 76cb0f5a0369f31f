"""Stands in for Terraform where the real provider cannot be had: keeps the one service of terraform/app as it would be.

It knows the commands that scripts/app.py runs, reads the same files of variables, and calls Google's API by Google's
client. What the real provider makes of terraform/app is tried in tests/local_cloud/test_terraform.py.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

_STATE = Path(os.environ["STANDIN_STATE"])
"""Instead of the state in the bucket."""


def main(arguments: list[str]) -> int:
    """Run a command of Terraform."""
    folder, command, *options = arguments
    given = dict(option.removeprefix("-var=").split("=", 1) for option in options if option.startswith("-var="))
    match command:
        case "init":
            print(f"STAND-IN: Terraform's own work is replaced here ({options[-1]})")
        case "output":
            outputs = json.loads(_STATE.read_text()) if _STATE.exists() else {}
            print(json.dumps({name: {"value": value} for name, value in outputs.items()}))
        case "apply":
            variables = _variables(Path(folder.removeprefix("-chdir=")))
            _apply(variables, given["image"], json.loads(given["traffic"]), refresh_only="-refresh-only" in options)
        case _:
            print(f"STAND-IN: no {command}", file=sys.stderr)
            return 1
    return 0


# Imported where they are used: most commands need neither, and each is a process of its own.
def _variables(folder: Path) -> dict[str, Any]:
    from tests.terraform import hcl

    files = [folder / "terraform.tfvars", folder / "bootstrap.auto.tfvars"]
    return {name: value for file in files if file.exists() for name, value in hcl.read(file).items()}


def _services() -> Any:
    import google.auth
    from googleapiclient import discovery

    from tests.local_cloud.discovery import api

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    document = {**api("run.v2").document, "rootUrl": f"{os.environ['CLOUD_RUN_API_URL']}/"}
    return discovery.build_from_document(document, credentials=credentials).projects().locations()


def _apply(variables: dict[str, Any], image: str, traffic: dict[str, Any], *, refresh_only: bool) -> None:
    locations = _services()
    parent = f"projects/{variables['project_id']}/locations/{variables['region']}"
    name = f"{parent}/services/{variables['name']}"
    existing = [each["name"] for each in locations.services().list(parent=parent).execute().get("services", [])]
    before = locations.services().get(name=name).execute() if name in existing else None
    environment = _environment(variables)
    if not refresh_only:
        body = _body(variables, image, environment, traffic)
        if before:
            operation = locations.services().patch(name=name, body=body).execute()
        else:
            operation = locations.services().create(parent=parent, serviceId=variables["name"], body=body).execute()
        while not (operation := locations.operations().get(name=operation["name"]).execute()).get("done"):
            time.sleep(0.05)
        if "error" in operation:
            raise SystemExit(operation["error"]["message"])
    # As the real provider's: after an update the outputs are those of before it.
    seen = before if before and not refresh_only else locations.services().get(name=name).execute()
    platform = variables["platform"]
    outputs = {
        "image": image,
        "project_id": variables["project_id"],
        "service": name,
        "site_id": platform["page"]["site_id"],
        "page_url": platform["page"]["url"],
        "url": seen["uri"],
        "newest_url": next(target["uri"] for target in seen["trafficStatuses"] if target.get("tag") == "newest"),
        "revision": seen["latestReadyRevision"].rpartition("/")[2],
        "environment": environment,
        "page_config": {"service": seen["uri"], "auth": environment["KIKITORI_AUTH"]},
    }
    _STATE.write_text(json.dumps(outputs))


def _environment(variables: dict[str, Any]) -> dict[str, str]:
    return {
        "KIKITORI_ENGINE": "qwen2-audio",
        "KIKITORI_MODEL": f"gs://{variables['platform']['weights_bucket']}",
        "KIKITORI_AUTH": variables["access"]["auth"],
        "KIKITORI_CORS_ORIGINS": ",".join([*variables["platform"]["origins"], *variables["access"]["origins"]]),
        "KIKITORI_LOG_FORMAT": "json",
        **variables.get("settings", {}),
    }


def _body(
    variables: dict[str, Any], image: str, environment: dict[str, str], traffic: dict[str, Any]
) -> dict[str, Any]:
    secrets = [
        {"name": name, "valueSource": {"secretKeyRef": {"secret": secret["secret"], "version": "latest"}}}
        for name, secret in variables["secrets"].items()
    ]
    container = {
        "image": image,
        "ports": [{"containerPort": 8080}],
        "env": [{"name": name, "value": value} for name, value in environment.items()] + secrets,
        "resources": {"limits": {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}, "cpuIdle": False},
    }
    newest = {
        "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST",
        "percent": traffic.get("newest_percent", 100),
        "tag": "newest",
    }
    targets = [newest]
    if serving := traffic.get("serving"):
        targets.append({"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": serving, "percent": 100})
    return {
        "invokerIamDisabled": True,
        "template": {
            "containers": [container],
            "serviceAccount": variables["platform"]["service_account"],
            "nodeSelector": {"accelerator": "nvidia-l4"},
            "gpuZonalRedundancyDisabled": True,
            "maxInstanceRequestConcurrency": 40,
            "scaling": {"maxInstanceCount": 1},
        },
        "traffic": targets,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
