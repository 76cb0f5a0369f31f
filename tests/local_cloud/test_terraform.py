"""Both roots applied by the real Terraform with the real providers, where it can be had: without it, skipped.

The providers come by Terraform's ordinary configuration (`TF_CLI_CONFIG_FILE`, a mirror) or from the registry.
"""

from __future__ import annotations

import base64
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.service import Service
from tests.processes import until

from .call import Project
from .conftest import PLACE, PROJECT, Served, served
from .root import Root
from .store import Json, Store

_BOOTSTRAP = f"""
project = {{ id = "{Project.id}", number = "{Project.number}" }}
site_id = "kikitori-speech"
budget  = {{ billing_account = "{Project.billing_account}", units = 30, emails = ["ops@example.com"] }}
github  = {{ repository = {{ id = "123456789", owner_id = "1234567" }} }}
sign_in = {{ client_id = "123456789012-abc123.apps.googleusercontent.com", domains = ["speech.example.com"] }}
sign_in_client_secret = "secret"
app_check = {{ site_key = "6Lc" }}
"""
_APP = """
access              = { public = true, auth = "api-key" }
secrets             = { KIKITORI_API_KEYS = { secret = "kikitori-api-keys", version = "latest" } }
deletion_protection = false
"""
_FAULTS: list[Json] = [
    {"status": 403},
    {"status": 409},
    {"status": 429, "times": 2},
    {"status": 503, "times": 2},
    {"drop": "before"},
    {"operation": {"status": "INTERNAL"}},
    {"operation": {"seconds": 1}},
]
_BOOTSTRAP_REFUSED = """
billingbudgets.billingAccounts.budgets.create
cloudresourcemanager.projects.setIamPolicy
firebasehosting.projects.sites.create
iam.projects.serviceAccounts.create
iam.projects.serviceAccounts.setIamPolicy
identitytoolkit.projects.identityPlatform.initializeAuth
monitoring.projects.notificationChannels.create
pubsub.projects.topics.create
secretmanager.projects.secrets.create
storage.buckets.insert
storage.buckets.setIamPolicy
""".split()
_BOOTSTRAP_FAILING = """
artifactregistry.projects.locations.repositories.create
compute.networks.insert
compute.subnetworks.insert
firebase.projects.addFirebase
firebase.projects.webApps.create
iam.projects.locations.workloadIdentityPools.create
iam.projects.locations.workloadIdentityPools.providers.create
""".split()
_STEPS = [
    "run.projects.locations.services.create",
    "logging.projects.metrics.create",
    "monitoring.projects.alertPolicies.create",
]


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """A new project with bootstrap applied to it; destroyed in the end, with nothing left but what Google keeps too."""
    folder = tmp_path_factory.mktemp("deployment")
    with served(folder / "state", with_registry=False) as cloud:
        root = _bootstrap(cloud, folder)
        root.apply()
        root.plans_nothing()
        (root.folder / "more.auto.tfvars").write_text('labels = { team = "speech" }\n')
        root.apply()
        root.plans_nothing()
        secrets = cloud.client("secretmanager", "v1").projects().secrets()
        key = base64.b64encode(b"key").decode()
        secrets.addVersion(parent=f"{PROJECT}/secrets/kikitori-api-keys", body={"payload": {"data": key}}).execute()
        yield root
        cloud.empty(root.outputs()["state_bucket"])
        root.destroy()
        assert _left(cloud) == []


def _bootstrap(cloud: Served, folder: Path) -> Root:
    """The root, initialised; skips the test where its providers cannot be had."""
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")
    root = Root(cloud, folder, "bootstrap")
    (root.folder / "terraform.tfvars").write_text(_BOOTSTRAP)
    if root.run("init", "-no-color")[0]:
        pytest.skip("neither a mirror nor the registry has the google providers")
    return root


_KEPT = (
    "serviceusage.googleapis.com/",  # `disable_on_destroy` is off
    "firebase.googleapis.com/projects/kikitori-local",  # cannot be undone
    "firebasehosting.googleapis.com/projects/kikitori-local/sites/kikitori-local",  # Firebase's own
    "firebasehosting.googleapis.com/taken/",  # a site's name is never free again
    "firebaseappcheck.googleapis.com/",
    "identitytoolkit.googleapis.com/projects/kikitori-local/config",
)


def _left(cloud: Served) -> list[str]:
    store = Store(cloud.folder / "state.sqlite3")
    names = [entity.name for entity in store.everything() if not entity.deleted]
    policy = store.policy(f"cloudresourcemanager.googleapis.com/{PROJECT}") or {}
    store.close()
    roles = [binding["role"] for binding in policy["bindings"] if binding["role"] != "roles/owner"]
    return [name for name in names if not name.startswith(_KEPT)] + roles


@pytest.fixture
def app(bootstrap: Root, tmp_path: Path) -> Iterator[Root]:
    """The app, not applied yet, with its state in the bucket; destroyed in the end."""
    root = Root(bootstrap.cloud, tmp_path, "app")
    outputs = bootstrap.outputs()
    (root.folder / "terraform.tfvars").write_text(outputs["app_tfvars"] + _APP)
    _image(root, "0")
    root("init", "-no-color", f"-backend-config=bucket={outputs['state_bucket']}")
    yield root
    bootstrap.cloud.forget_faults()
    root.destroy()


def _image(root: Root, digit: str) -> None:
    image = f"asia-southeast1-docker.pkg.dev/{Project.id}/kikitori/kikitori@sha256:{digit * 64}"
    (root.folder / "image.auto.tfvars").write_text(f'image = "{image}"\n')


def _service(root: Root) -> Json:
    services = root.cloud.client("run", "v2").projects().locations().services()
    service: Json = services.get(name=f"{PLACE}/services/kikitori").execute()
    return service


def test_deploy_and_deploy_again(app: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    app.apply()
    app.plans_nothing()
    app.cloud.lead_here(monkeypatch)
    Service(app.outputs()["service"]).start_anew()
    app("apply", "-refresh-only", "-auto-approve", "-no-color")  # the output has the new revision's name
    app.plans_nothing()
    before = _service(app)
    _image(app, "1")
    (app.folder / "more.auto.tfvars").write_text("alerts = { error_rate = 0.1 }\n")
    app.apply()
    # An output that was known before stays as it was until the next refresh.
    app("apply", "-refresh-only", "-auto-approve", "-no-color")
    app.plans_nothing()
    after = _service(app)
    assert after["template"]["containers"][0]["image"].endswith("1" * 64)
    assert after["latestReadyRevision"] != before["latestReadyRevision"]


def test_first_deploy_that_failed_is_deleted_and_made_again(app: Root) -> None:
    """Under deletion protection, as docs/operations.md says."""
    protected = ("apply", "-auto-approve", "-no-color", "-var=deletion_protection=true")
    app.cloud.fault("run.projects.locations.services.create", operation={"status": "INTERNAL"})
    assert app.run(*protected)[0] == 1
    status, said = app.run(*protected)
    assert status == 1
    assert "cannot destroy service without setting deletion_protection=false" in said
    app("untaint", "module.service.google_cloud_run_v2_service.this")
    status, said = app.run(*protected, '-var=labels={again="1"}')
    assert status == 1
    assert "No revision of kikitori ever became ready" in said
    services = app.cloud.client("run", "v2").projects().locations().services()
    services.delete(name=f"{PLACE}/services/kikitori").execute()
    app(*protected)
    assert app.outputs()["revision"].startswith("kikitori-")
    app.apply()  # without the protection, under which it could not be destroyed


def test_bootstrap_is_completed_after_a_fault_at_each_step(tmp_path: Path) -> None:
    """Each apply gets as far as the next fault; nothing has to be cleaned up by hand."""
    with served(tmp_path / "state", with_registry=False) as cloud:
        root = _bootstrap(cloud, tmp_path)
        for step in _BOOTSTRAP_REFUSED:
            cloud.fault(step, status=403)
        for step in _BOOTSTRAP_FAILING:
            cloud.fault(step, operation={"status": "INTERNAL"})
        for _ in _BOOTSTRAP_REFUSED + _BOOTSTRAP_FAILING:
            status, said = root.run("apply", "-auto-approve", "-no-color", "-parallelism=50")
            if status == 0:
                break
            assert "asked for" in said
        assert cloud.forget_faults() == 0
        root.plans_nothing()


@pytest.mark.parametrize("fault", _FAULTS, ids=json.dumps)
def test_fault_at_each_step(app: Root, fault: Json) -> None:
    """The next apply completes what a fault stopped; what passes by itself does not stop it."""
    for step in _STEPS[:1] if "operation" in fault else _STEPS:
        app.cloud.fault(step, **fault)
    status, said = app.run("apply", "-auto-approve", "-no-color")
    passes = fault.get("status") in (429, 503) or "seconds" in fault.get("operation", {}) or "drop" in fault
    assert passes or status == 1, said
    app.cloud.forget_faults()
    app.apply()
    app.plans_nothing()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_killed_apply_is_completed_by_the_next(app: Root, how: signal.Signals) -> None:
    """Killed while the service is being made. After SIGKILL the operator tells Terraform what it could not note."""
    app.cloud.fault("run.projects.locations.services.create", operation={"seconds": 5})
    process = app.command("apply", "-auto-approve", "-no-color")
    # Of the alerts nobody takes note either: a state in a bucket is written only now and then.
    until(lambda: _is_there(app) and (how is signal.SIGINT or _alerts(app)))
    process.send_signal(how)
    process.communicate(timeout=60)
    if how is signal.SIGKILL:
        _, said = app.run("plan", "-no-color", "-lock-timeout=0s")
        assert "Error acquiring the state lock" in said
        lock = next(line.split()[-1] for line in said.splitlines() if " ID:" in line)
        app("force-unlock", "-force", lock)
        app("import", "-no-color", "module.service.google_cloud_run_v2_service.this", f"{PLACE}/services/kikitori")
        for name in ("errors", "failed_loads", "requests"):
            address = f'module.alerts.google_logging_metric.this["{name}"]'
            if address not in app("state", "list"):
                app.run("import", "-no-color", address, f"{Project.id} kikitori/{name}")
        policies, known = app.cloud.client("monitoring", "v3").projects().alertPolicies(), app("state", "pull")
        for name in _alerts(app):
            if name not in known:
                policies.delete(name=name).execute()
    app.apply()
    app.plans_nothing()


def _is_there(root: Root) -> bool:
    return bool(root.cloud.client("run", "v2").projects().locations().services().list(parent=PLACE).execute())


def _alerts(root: Root) -> list[str]:
    policies = root.cloud.client("monitoring", "v3").projects().alertPolicies()
    return [policy["name"] for policy in policies.list(name=PROJECT).execute().get("alertPolicies", [])]
