"""What most of Google's resources have in common, and what single services refuse, by Google's client."""

from __future__ import annotations

from contextlib import suppress

import pytest
from googleapiclient.errors import HttpError

from .call import Project
from .conftest import PLACE, PROJECT, Served, template
from .store import Json


def test_pages(cloud: Served) -> None:
    channels = cloud.client("monitoring", "v3").projects().notificationChannels()
    for name in "abc":
        labels = {"email_address": f"{name}@example.com"}
        channels.create(name=PROJECT, body={"type": "email", "displayName": name, "labels": labels}).execute()
    request, seen, pages = channels.list(name=PROJECT, pageSize=2), [], 0
    while request is not None:
        answer = request.execute()
        seen += [channel["labels"]["email_address"] for channel in answer["notificationChannels"]]
        pages += 1
        request = channels.list_next(request, answer)
    assert pages > 1
    assert {f"{name}@example.com" for name in "abc"} <= set(seen)
    assert len(seen) == len(set(seen))
    with pytest.raises(HttpError, match="Invalid page token"):
        channels.list(name=PROJECT, pageToken="bm9uZTox").execute()


def test_update_masks_and_immutable_fields(cloud: Served) -> None:
    locations = cloud.client("artifactregistry", "v1").projects().locations()
    body: Json = {"format": "DOCKER", "description": "first", "labels": {"a": "1"}}
    made = locations.repositories().create(parent=PLACE, repositoryId="masked", body=body).execute()
    cloud.ended(made, locations.operations())
    name = f"{PLACE}/repositories/masked"
    patched = locations.repositories().patch(name=name, updateMask="description", body={"labels": {"b": "2"}}).execute()
    assert "description" not in patched
    assert patched["labels"] == {"a": "1"}
    with pytest.raises(HttpError, match="the message has no field 'colour'"):
        locations.repositories().patch(name=name, updateMask="colour", body={}).execute()
    for mask in ("format", "name", "mode"):
        with pytest.raises(HttpError, match=f"'{mask}' is immutable"):
            locations.repositories().patch(name=name, updateMask=mask, body={"format": "NPM"}).execute()
    server = ("createTime", "registryUri", "vulnerabilityScanningConfig.enablementState")
    kept = locations.repositories().patch(name=name, updateMask=",".join(server), body={}).execute()
    assert (kept["createTime"], kept["registryUri"]) == (patched["createTime"], patched["registryUri"])
    secrets = cloud.client("secretmanager", "v1").projects().secrets()
    secrets.create(parent=PROJECT, secretId="masked", body={"replication": {"automatic": {}}}).execute()
    with pytest.raises(HttpError, match="'replication' is immutable"):
        secrets.patch(name=f"{PROJECT}/secrets/masked", updateMask="replication", body={}).execute()


def test_parent_that_is_missing(cloud: Served) -> None:
    providers = cloud.client("iam", "v1").projects().locations().workloadIdentityPools().providers()
    body = {"oidc": {"issuerUri": "https://example.com"}, "attributeMapping": {"google.subject": "assertion.sub"}}
    parent = f"{PROJECT}/locations/global/workloadIdentityPools/never-made"
    versions = cloud.client("secretmanager", "v1").projects().secrets()
    sites = cloud.client("firebasehosting", "v1beta1").projects().sites().versions()
    for request in (
        providers.create(parent=parent, workloadIdentityPoolProviderId="orphan", body=body),
        versions.addVersion(parent=f"{PROJECT}/secrets/never-made", body={"payload": {"data": "YQ=="}}),
        sites.create(parent=f"{PROJECT}/sites/never-made", body={}),
    ):
        with pytest.raises(HttpError, match="never-made") as refused:
            request.execute()
        assert refused.value.status_code == 404


def test_pools_are_global(cloud: Served) -> None:
    pools = cloud.client("iam", "v1").projects().locations().workloadIdentityPools()
    with pytest.raises(HttpError, match="global alone"):
        pools.create(parent=PLACE, workloadIdentityPoolId="regional", body={}).execute()


def test_revisions_of_every_service(cloud: Served) -> None:
    run = cloud.client("run", "v2").projects().locations()
    for name in ("left", "right"):
        made = run.services().create(parent=PLACE, serviceId=name, body={"template": template()}).execute()
        cloud.ended(made, run.operations())
    found = run.services().revisions().list(parent=f"{PLACE}/services/-").execute()["revisions"]
    assert {"left", "right"} <= {revision["service"] for revision in found}


def test_soft_delete(cloud: Served) -> None:
    locations = cloud.client("iam", "v1").projects().locations()
    pools, parent = locations.workloadIdentityPools(), f"{PROJECT}/locations/global"
    name = f"{parent}/workloadIdentityPools/gone-soon"
    create = pools.create(parent=parent, workloadIdentityPoolId="gone-soon", body={})
    cloud.ended(create.execute(), pools.operations())
    cloud.ended(pools.delete(name=name).execute(), pools.operations())
    assert pools.get(name=name).execute()["state"] == "DELETED"
    with pytest.raises(HttpError) as taken:
        create.execute()
    assert taken.value.status_code == 409
    assert name not in str(pools.list(parent=parent).execute())
    cloud.ended(pools.undelete(name=name, body={}).execute(), pools.operations())
    assert pools.get(name=name).execute()["state"] == "ACTIVE"


def test_pages_of_versions_begin_with_the_newest(cloud: Served) -> None:
    secrets = cloud.client("secretmanager", "v1").projects().secrets()
    name = secrets.create(parent=PROJECT, secretId="paged", body={"replication": {"automatic": {}}}).execute()["name"]
    for _ in range(3):
        secrets.addVersion(parent=name, body={"payload": {"data": "YQ=="}}).execute()
    request, seen = secrets.versions().list(parent=name, pageSize=2), []
    while request is not None:
        answer = request.execute()
        seen.append([each["name"].rpartition("/")[2] for each in answer["versions"]])
        request = secrets.versions().list_next(request, answer)
    assert seen == [["3", "2"], ["1"]]


def test_web_app_is_not_changed_under_an_old_etag(cloud: Served) -> None:
    firebase = cloud.client("firebase", "v1beta1")
    with suppress(HttpError):
        firebase.projects().addFirebase(project=PROJECT, body={}).execute()
    apps = firebase.projects().webApps()
    made = cloud.ended(apps.create(parent=PROJECT, body={"displayName": "a"}).execute(), firebase.operations())
    app = made["response"]
    change = {"name": app["name"], "updateMask": "displayName", "body": {"displayName": "b", "etag": app["etag"]}}
    assert apps.patch(**change).execute()["displayName"] == "b"
    with pytest.raises(HttpError) as stale:
        apps.patch(**change).execute()
    assert stale.value.status_code == 409


def test_subnetwork_that_a_service_uses(cloud: Served) -> None:
    compute, run = cloud.client("compute", "v1"), cloud.client("run", "v2").projects().locations()
    at = {"project": Project.id, "region": "asia-southeast1"}
    compute.networks().insert(project=Project.id, body={"name": "used"}).execute()
    body = {"name": "used", "network": f"{PROJECT}/global/networks/used", "ipCidrRange": "10.0.0.0/24"}
    compute.subnetworks().insert(**at, body=body).execute()
    for name, interface in (("short", {"network": "used"}), ("long", {"subnetwork": f"{PLACE}/subnetworks/used"})):
        interface = {key: value.replace("locations", "regions") for key, value in interface.items()}
        changed = template(vpcAccess={"networkInterfaces": [interface]})
        made = run.services().create(parent=PLACE, serviceId=name, body={"template": changed}).execute()
        cloud.ended(made, run.operations())
        with pytest.raises(HttpError, match=f"is already being used by '{PLACE}/services/{name}'") as refused:
            compute.subnetworks().delete(**at, subnetwork="used").execute()
        assert refused.value.status_code == 400
        assert refused.value.error_details[0]["reason"] == "resourceInUseByAnotherResource"
        cloud.ended(run.services().delete(name=f"{PLACE}/services/{name}").execute(), run.operations())
    compute.subnetworks().delete(**at, subnetwork="used").execute()


def test_subnetworks(cloud: Served) -> None:
    """Ranges of a network do not overlap, and only who knows the newest fingerprint changes one."""
    compute = cloud.client("compute", "v1")
    for network in ("one", "two"):
        compute.networks().insert(project=Project.id, body={"name": network}).execute()

    def made(name: str, network: str, block: str) -> None:
        place = {"project": Project.id, "region": "asia-southeast1"}
        body = {"name": name, "network": f"{PROJECT}/global/networks/{network}", "ipCidrRange": block}
        compute.subnetworks().insert(**place, body=body).execute()

    made("first", "one", "10.0.0.0/24")
    made("same-elsewhere", "two", "10.0.0.0/24")
    with pytest.raises(HttpError, match="conflicts with existing subnetwork 'first'"):
        made("second", "one", "10.0.0.128/25")
    at = {"project": Project.id, "region": "asia-southeast1", "subnetwork": "first"}
    before = compute.subnetworks().get(**at).execute()["fingerprint"]
    change = {"fingerprint": before, "description": "changed"}
    compute.subnetworks().patch(**at, body=change).execute()
    assert compute.subnetworks().get(**at).execute()["description"] == "changed"
    with pytest.raises(HttpError, match="412"):
        compute.subnetworks().patch(**at, body=change).execute()
    for block, words in [("10.0.0.0/25", "not a larger range"), ("10.8.0.0/22", "not a larger range")]:
        with pytest.raises(HttpError, match=words):
            compute.subnetworks().expandIpCidrRange(**at, body={"ipCidrRange": block}).execute()
    compute.subnetworks().expandIpCidrRange(**at, body={"ipCidrRange": "10.0.0.0/22"}).execute()
    assert compute.subnetworks().get(**at).execute()["ipCidrRange"] == "10.0.0.0/22"


def test_network_with_routing_mode_as_terraform_sends_it(cloud: Served) -> None:
    networks = cloud.client("compute", "v1").networks()
    body = {"name": "routed", "routingConfig": {"routingMode": "GLOBAL", "deleteBgpAlwaysCompareMed": False}}
    networks.insert(project=Project.id, body=body).execute()
    assert networks.get(project=Project.id, network="routed").execute()["routingConfig"] == {"routingMode": "GLOBAL"}


def test_channel_that_nobody_uses_is_deleted_by_force_too(cloud: Served) -> None:
    channels = cloud.client("monitoring", "v3").projects().notificationChannels()
    made = channels.create(name=PROJECT, body={"type": "sms", "labels": {"number": "+1"}}).execute()
    assert channels.delete(name=made["name"], force=True).execute() == {}


_DAILY = {"nextRotationTime": "2090-01-01T00:00:00Z", "rotationPeriod": "86400s"}
_NONE = f"{PROJECT}/topics/none"


def _replicated(*locations: str) -> Json:
    return {"replication": {"userManaged": {"replicas": [{"location": each} for each in locations]}}}


_REPLICATED_TWICE, _REPLICATED_NOWHERE = _replicated("us-east1", "us-east1"), _replicated("mars")


@pytest.mark.parametrize(
    ("service", "path", "given", "words"),
    [
        ("logging/v2", "metrics", {"body": {"name": "m", "filter": "severity>= AND"}}, "Unparseable filter"),
        ("logging/v2", "metrics", {"body": {"name": "m"}}, "'filter' is missing"),
        ("pubsub/v1", "topics", {"name": "new", "body": {"messageRetentionDuration": "1s"}}, "from 10 minutes"),
        ("pubsub/v1", "topics", {"name": "new", "body": {"labels": {"1st": "a"}}}, "not a label"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": {"labels": {"Team": "a"}}}, "not a label"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": {"labels": {"team": "A"}}}, "not a label"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": {"replication": {"userManaged": {}}}}, "a replica"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": _REPLICATED_TWICE}, "a location of its own"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": _REPLICATED_NOWHERE}, "no location 'mars'"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": {"versionDestroyTtl": "60s"}}, "at least 86400 s"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": {"rotation": _DAILY}}, "needs topics"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": {"topics": [{"name": _NONE}]}}, "does not exist"),
        ("secretmanager/v1", "secrets", {"secretId": "s", "body": {"versionAliases": {"a": "1"}}}, "no version 1"),
    ],
)
def test_refused(cloud: Served, service: str, path: str, given: Json, words: str) -> None:
    collection = getattr(cloud.client(*service.split("/")).projects(), path)()
    if path == "secrets":
        given["body"].setdefault("replication", {"automatic": {}})
    place = {"name": f"{PROJECT}/topics/{given['name']}"} if path == "topics" else {"parent": PROJECT}
    with pytest.raises(HttpError, match=words) as refused:
        collection.create(**given | place).execute()
    assert refused.value.status_code == 400


def test_api_that_does_not_exist(cloud: Served) -> None:
    usage = cloud.client("serviceusage", "v1").services()
    wrong = "runn.googleapis.com"
    for request in (
        usage.get(name=f"{PROJECT}/services/{wrong}"),
        usage.enable(name=f"{PROJECT}/services/{wrong}", body={}),
        usage.batchEnable(parent=PROJECT, body={"serviceIds": ["run.googleapis.com", wrong]}),
    ):
        with pytest.raises(HttpError, match=f"Not found or permission denied for service.s.: {wrong}") as refused:
            request.execute()
        assert refused.value.status_code == 403
        assert refused.value.error_details[0]["metadata"] == {"services": wrong}


_KEEP = {"id": "k", "action": "KEEP", "mostRecentVersions": {"keepCount": 3}}


@pytest.mark.parametrize(
    ("service", "call", "words"),
    [
        (
            "artifactregistry",
            {"format": "DOCKER", "cleanupPolicies": {"k": {**_KEEP, "action": "DELETE"}}},
            "only for KEEP",
        ),
        ("artifactregistry", {"format": "DOCKER", "cleanupPolicies": {"other": _KEEP}}, "another id"),
        ("artifactregistry", {}, "Required field is missing"),
    ],
)
def test_repository_refused(cloud: Served, service: str, call: Json, words: str) -> None:
    repositories = cloud.client(service, "v1").projects().locations().repositories()
    with pytest.raises(HttpError, match=words):
        repositories.create(parent=PLACE, repositoryId="refused", body=call).execute()
