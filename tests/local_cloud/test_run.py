"""Cloud Run by Google's client: what it refuses, its revisions, etags and operations."""

from __future__ import annotations

from typing import Any

import pytest
from googleapiclient.errors import HttpError

from .conftest import PLACE, PROJECT, Served, template
from .store import Json


@pytest.fixture(scope="module")
def run(cloud: Served) -> Any:
    return cloud.client("run", "v2").projects().locations()


def _create(cloud: Served, run: Any, name: str, body: Json, place: str = PLACE) -> Json:
    operation = run.services().create(parent=place, serviceId=name, body=body).execute()
    assert operation["done"] is False
    return cloud.ended(operation, run.operations())


_PROBE = {"httpGet": {"path": "/health/live"}}
_GEN2 = "EXECUTION_ENVIRONMENT_GEN2"


def _without_gpu(cpu: str, memory: str, **changes: Any) -> Json:
    """Changes of the template to one container with these limits, which has CPU only while it answers."""
    resources = {"limits": {"cpu": cpu, "memory": memory}, "cpuIdle": changes.pop("cpu_idle", True)}
    return {"nodeSelector": None, "maxInstanceRequestConcurrency": 1, "container__resources": resources, **changes}


_BESIDE = template()["containers"][0]
_LISTENS = {**_BESIDE, "ports": [{"containerPort": 8080}]}
_REFUSED: list[tuple[Json, str]] = [
    ({"container__resources__limits": {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"}}, "at least 4 when GPU"),
    ({"container__resources__limits": {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "1"}}, "at least 16Gi when GPU"),
    ({"container__resources__cpuIdle": True}, "CPU must always be allocated when GPU is requested"),
    ({"container__resources__limits": {"cpu": "5", "memory": "16Gi"}, "nodeSelector": None}, "one of 1, 2, 4, 6, 8"),
    ({"container__resources__limits": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "1"}}, "4096Mi and 32768Mi"),
    ({"nodeSelector": None}, "needs both a node selector"),
    ({"nodeSelector": {"accelerator": "nvidia-h9000"}}, "is not supported"),
    ({"gpuZonalRedundancyDisabled": False}, "quota for using GPUs with zonal redundancy"),
    ({"scaling": {"maxInstanceCount": 4}}, "Max instances must be set to 3 or fewer"),
    ({"scaling": {"minInstanceCount": 2, "maxInstanceCount": 1}}, "must not be greater than maxInstanceCount"),
    ({"timeout": "3601s"}, "at most 3600 seconds"),
    ({"maxInstanceRequestConcurrency": 1001}, "must be from 1 to 1000"),
    ({"container__startupProbe": {**_PROBE, "periodSeconds": 241}}, "period_seconds: must be from 1 to 240"),
    ({"container__startupProbe": {**_PROBE, "periodSeconds": 5, "timeoutSeconds": 6}}, "timeout_seconds"),
    ({"container__startupProbe": {**_PROBE, "periodSeconds": 200, "failureThreshold": 10}}, "at most 1800"),
    ({"container__startupProbe": {**_PROBE, "periodSeconds": 5, "timeoutSeconds": 5}}, "less than period_seconds"),
    ({"container__livenessProbe": {"tcpSocket": {"port": 8080}}}, "livenessProbe cannot be a tcpSocket"),
    ({"container__readinessProbe": {"tcpSocket": {"port": 8080}}}, "readinessProbe cannot be a tcpSocket"),
    (_without_gpu("1", "5Gi"), "For 1.0 CPU, memory must be between 128Mi and 4096Mi"),
    (_without_gpu("2", "9Gi"), "For 2.0 CPU"),
    (_without_gpu("4", "1Gi"), "between 2048Mi and 16384Mi"),
    (_without_gpu("0.4", "1Gi"), "between 128Mi and 512Mi"),
    (_without_gpu("0.05", "128Mi"), "or from 0.08 to 1"),
    (_without_gpu("500m", "512Mi", maxInstanceRequestConcurrency=80), "not supported with concurrency > 1"),
    (_without_gpu("0.5", "512Mi", executionEnvironment=_GEN2), "not supported with the second generation"),
    (_without_gpu("0.5", "512Mi", cpu_idle=False), "not supported with CPU that is always allocated"),
    (_without_gpu("1", "256Mi", executionEnvironment=_GEN2), "needs at least 512Mi"),
    ({"scaling": {"maxInstanceCount": 3_000_000_000}}, "TYPE_INT32"),
    ({"containers": [_LISTENS, _BESIDE]}, "Only one container of a service may have a GPU"),
    ({"containers": [_BESIDE, _BESIDE]}, "exactly one of several containers must have a port"),
    ({"containers": [_LISTENS, _LISTENS]}, "exactly one of several containers must have a port"),
    ({"containers": [{**_LISTENS, "name": "a"}, {**_BESIDE, "name": "a"}]}, "needs a name of its own"),
    ({"container__dependsOn": ["none"]}, "there is no container ['none']"),
    ({"executionEnvironment": "EXECUTION_ENVIRONMENT_GEN1"}, "needs the second generation environment"),
    ({"container__ports": [{"containerPort": 80}, {"containerPort": 81}]}, "0 or 1 port"),
    ({"container__startupProbe": {"httpGet": {"path": "health"}}}, "must begin with /"),
    ({"container__env": [{"name": "A=B", "value": "1"}]}, "without '='"),
    ({"volumes": [{"name": "two", "secret": {"secret": "a"}, "emptyDir": {}}]}, "exactly one source"),
    ({"container__ports": [{"containerPort": 70000}]}, "needs a port of 1 to 65535"),
    ({"container__env": [{"name": "A", "valueSource": {"secretKeyRef": {}}}]}, "must be named"),
    ({"container__image": "Kikitori"}, "Expected an image path"),
    ({"container__image": "ghcr.io/owner/kikitori:1"}, "or docker.io but obtained ghcr.io"),
    ({"container__image": "127.0.0.1:5000/kikitori"}, "or docker.io but obtained 127.0.0.1"),
    ({"container__volumeMounts": [{"name": "none", "mountPath": "/none"}]}, "There is no volume 'none'"),
    ({"volumes": [{"name": "twice", "emptyDir": {}}] * 2}, "every volume needs a name of its own"),
    ({"container__env": [{"name": "PORT", "value": "1"}]}, "reserved env names"),
    (
        {"container__env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        "variable needs a name of its own",
    ),
    ({"serviceAccount": "none@kikitori-local.iam.gserviceaccount.com"}, "actAs"),
    ({"serviceAccount": "some@another-project.iam.gserviceaccount.com"}, "actAs"),
    ({"serviceAccount": "someone@example.com"}, "actAs"),
    ({"vpcAccess": {"networkInterfaces": [{"subnetwork": "none"}]}}, "VPC subnetwork"),
    ({"vpcAccess": {"networkInterfaces": [{"network": "none"}]}}, "VPC network"),
    ({"vpcAccess": {"networkInterfaces": [{}]}}, "Either network or subnetwork"),
    ({"revision": "another-1"}, "must begin with 'refused-'"),
    ({"annotations": {"autoscaling.knative.dev/maxScale": "1"}}, "has a prefix that is reserved"),
]


@pytest.mark.parametrize(("changes", "words"), _REFUSED, ids=[words for _, words in _REFUSED])
def test_refused(run: Any, changes: Json, words: str) -> None:
    with pytest.raises(HttpError) as refused:
        run.services().create(parent=PLACE, serviceId="refused", body={"template": template(**changes)}).execute()
    assert refused.value.status_code in (400, 403)
    assert words in str(refused.value)


@pytest.mark.parametrize("image", ["nginx", "library/nginx:1", "docker.io/library/nginx", "eu.gcr.io/project/image"])
def test_fraction_of_a_cpu_and_images_of_others(cloud: Served, run: Any, image: str) -> None:
    name = image.translate(str.maketrans("/.:", "---"))
    body = {"template": template(**_without_gpu("0.5", "512Mi", container__image=image))}
    assert "error" not in _create(cloud, run, name, body)


@pytest.mark.parametrize(("cpu", "concurrency"), [("0.5", 1), ("1", 80)])
def test_usual_concurrency(cloud: Served, run: Any, cpu: str, concurrency: int) -> None:
    body = {"template": template(**_without_gpu(cpu, "512Mi", maxInstanceRequestConcurrency=None))}
    made = _create(cloud, run, f"usual-{concurrency}", body)["response"]["template"]
    assert made["maxInstanceRequestConcurrency"] == concurrency


def test_googles_own_probe_said_aloud(cloud: Served, run: Any) -> None:
    """As Terraform sends it back."""
    usual = {"timeoutSeconds": 240, "periodSeconds": 240, "failureThreshold": 1, "tcpSocket": {"port": 8080}}
    assert "error" not in _create(cloud, run, "usual-probe", {"template": template(container__startupProbe=usual)})


def test_traffic_to_the_revision_that_the_same_request_makes(cloud: Served, run: Any) -> None:
    green = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "named-green", "percent": 100}
    body: Json = {"template": template(revision="named-green"), "traffic": [green]}
    assert "error" not in _create(cloud, run, "named", body)
    blue = {**green, "revision": "named-blue", "percent": 0, "tag": "blue"}
    body = {"template": template(revision="named-blue", timeout="60s"), "traffic": [green, blue]}
    now = cloud.ended(run.services().patch(name=f"{PLACE}/services/named", body=body).execute(), run.operations())
    assert [each["revision"] for each in now["response"]["trafficStatuses"]] == ["named-green", "named-blue"]


def test_a_negative_share_of_the_traffic(run: Any) -> None:
    latest = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"}
    body = {"template": template(), "traffic": [{**latest, "percent": 150}, {**latest, "percent": -50, "tag": "less"}]}
    with pytest.raises(HttpError, match="at least 0"):
        run.services().create(parent=PLACE, serviceId="refused", body=body).execute()


def test_region_without_that_gpu(run: Any) -> None:
    tokyo = f"{PROJECT}/locations/asia-northeast1"
    with pytest.raises(HttpError, match="nvidia-l4 is not available in region asia-northeast1") as refused:
        run.services().create(parent=tokyo, serviceId="refused", body={"template": template()}).execute()
    assert refused.value.status_code == 400


def test_revisions_traffic_and_etags(cloud: Served, run: Any) -> None:
    made = _create(cloud, run, "speech", {"template": template()})["response"]
    name, first = made["name"], made["latestReadyRevision"].rpartition("/")[2]
    assert made["template"]["timeout"] == "300s"
    with pytest.raises(HttpError) as taken:
        run.services().create(parent=PLACE, serviceId="speech", body={"template": template()}).execute()
    assert taken.value.status_code == 409

    tried = [
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": first, "percent": 100},
        {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 0, "tag": "try"},
    ]
    body = {"template": template(timeout="60s"), "traffic": tried, "etag": made["etag"]}
    now = cloud.ended(run.services().patch(name=name, body=body).execute(), run.operations())["response"]
    assert now["generation"] == "2"
    assert now["latestReadyRevision"] != made["latestReadyRevision"]
    assert now["trafficStatuses"][1]["uri"] == now["uri"].replace("https://", "https://try---")
    revisions = run.services().revisions().list(parent=name).execute()["revisions"]
    assert [each["timeout"] for each in revisions] == ["300s", "60s"]

    with pytest.raises(HttpError) as stale:
        run.services().patch(name=name, body=body).execute()
    assert stale.value.status_code == 409
    tried[0]["revision"] = "speech-00009-xyz"
    with pytest.raises(HttpError, match="does not exist in service speech"):
        run.services().patch(name=name, body={"template": template(), "traffic": tried}).execute()
    cloud.ended(run.services().delete(name=name).execute(), run.operations())
    with pytest.raises(HttpError) as gone:
        run.services().get(name=name).execute()
    assert gone.value.status_code == 404


def test_secret_that_the_account_may_not_read_fails_the_operation(cloud: Served, run: Any) -> None:
    secrets = cloud.client("secretmanager", "v1").projects().secrets()
    secrets.create(parent=PROJECT, secretId="key", body={"replication": {"automatic": {}}}).execute()
    secrets.addVersion(parent=f"{PROJECT}/secrets/key", body={"payload": {"data": "a2V5"}}).execute()
    assert (
        secrets.versions().access(name=f"{PROJECT}/secrets/key/versions/latest").execute()["payload"]["data"] == "a2V5"
    )
    volume = {"name": "v", "secret": {"secret": "none", "items": [{"path": "key", "version": "1"}]}}
    ended = _create(cloud, run, "mounted", {"template": template(volumes=[volume])})
    assert "secrets/none/versions/1 was not found" in ended["error"]["message"]
    environment = [{"name": "KEY", "valueSource": {"secretKeyRef": {"secret": "key", "version": "latest"}}}]
    ended = _create(cloud, run, "secretive", {"template": template(container__env=environment)})
    assert "Permission denied on secret" in ended["error"]["message"]
    service = run.services().get(name=f"{PLACE}/services/secretive").execute()
    assert service["terminalCondition"]["state"] == "CONDITION_FAILED"
    broken = template(container__env=environment, timeout="60s")
    cloud.ended(run.services().patch(name=service["name"], body={"template": broken}).execute(), run.operations())
    with pytest.raises(HttpError) as stale:
        run.services().patch(name=service["name"], body={"template": template(), "etag": service["etag"]}).execute()
    assert stale.value.status_code == 409
    reader = "serviceAccount:815162342100-compute@developer.gserviceaccount.com"
    policy = {"bindings": [{"role": "roles/secretmanager.secretAccessor", "members": [reader]}]}
    secrets.setIamPolicy(resource=f"{PROJECT}/secrets/key", body={"policy": policy}).execute()
    body = {"template": template(container__env=environment)}
    mended = cloud.ended(run.services().patch(name=service["name"], body=body).execute(), run.operations())
    assert mended["response"]["terminalCondition"]["state"] == "CONDITION_SUCCEEDED"
    for change, ended_as in (("disable", "DISABLED"), ("destroy", "DESTROYED")):
        getattr(secrets.versions(), change)(name=f"{PROJECT}/secrets/key/versions/1", body={}).execute()
        ended = _create(cloud, run, f"after-{change}", body)
        assert f"is in {ended_as} state" in ended["error"]["message"]


@pytest.mark.parametrize("role", ["roles/secretmanager.secretAccessor", "roles/secretmanager.admin"])
def test_secret_that_a_role_on_the_project_opens(cloud: Served, run: Any, role: str) -> None:
    name = role.rpartition(".")[2].lower()
    secrets = cloud.client("secretmanager", "v1").projects().secrets()
    secrets.create(parent=PROJECT, secretId=name, body={"replication": {"automatic": {}}}).execute()
    secrets.addVersion(parent=f"{PROJECT}/secrets/{name}", body={"payload": {"data": "a2V5"}}).execute()
    projects = cloud.client("cloudresourcemanager", "v1").projects()
    policy = projects.getIamPolicy(resource="kikitori-local", body={}).execute()
    reader = "serviceAccount:815162342100-compute@developer.gserviceaccount.com"
    policy["bindings"].append({"role": role, "members": [reader]})
    projects.setIamPolicy(resource="kikitori-local", body={"policy": policy}).execute()
    environment = [{"name": "KEY", "valueSource": {"secretKeyRef": {"secret": name, "version": "1"}}}]
    ended = _create(cloud, run, f"reads-as-{name}", {"template": template(container__env=environment)})
    del policy["bindings"][-1], policy["etag"]
    projects.setIamPolicy(resource="kikitori-local", body={"policy": policy}).execute()
    assert "error" not in ended
