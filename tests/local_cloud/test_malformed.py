"""Whatever a client sends, it is answered as Google would: 400, never an error of the stand-in itself.

Each valid request is sent again and again with one value of it taken away or replaced.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from .call import Project
from .conftest import PLACE, PROJECT, template
from .running import opened
from .store import Json

_GLOBAL, _NUMBERED = f"{PROJECT}/locations/global", f"projects/{Project.number}/locations/global"
_POOL = f"iam.googleapis.com/v1/{_GLOBAL}/workloadIdentityPools"
_RUN, _ACCOUNTS = f"run.googleapis.com/v2/{PLACE}/services", f"iam.googleapis.com/v1/{PROJECT}/serviceAccounts"
_SECRETS, _HOSTING = f"secretmanager.googleapis.com/v1/{PROJECT}/secrets", "firebasehosting.googleapis.com/v1beta1"
_COMPUTE, _IDENTITY = f"compute.googleapis.com/compute/v1/{PROJECT}", f"identitytoolkit.googleapis.com/v2/{PROJECT}"
_MONITORING, _FIREBASE = f"monitoring.googleapis.com/v3/{PROJECT}", f"firebase.googleapis.com/v1beta1/{PROJECT}"
_APP_CHECK, _METRICS = f"firebaseappcheck.googleapis.com/v1/{PROJECT}", f"logging.googleapis.com/v2/{PROJECT}/metrics"
_LABEL = {"labelExtractors": {"a": "EXTRACT(jsonPayload.a)"}, "metricDescriptor": {"labels": [{"key": "a"}]}}
_SERVICE = {
    "template": template(
        container__env=[{"name": "K", "valueSource": {"secretKeyRef": {"secret": "first-one", "version": "1"}}}],
        container__ports=[{"name": "http1", "containerPort": 8080}],
        container__startupProbe={"httpGet": {"path": "/"}, "periodSeconds": 10},
        vpcAccess={"networkInterfaces": [{"network": "first-one", "subnetwork": "first-one"}], "egress": "ALL_TRAFFIC"},
    ),
    "traffic": [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100, "tag": "newest"}],
    "scaling": {"minInstanceCount": 0},
}
_POLICY = {
    "version": 3,
    "bindings": [
        {
            "role": "roles/run.viewer",
            "members": ["user:a@example.com"],
            "condition": {"title": "t", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"},
        }
    ],
}
_SERIES = {
    "filter": 'metric.type="x" resource.type="y"',
    "duration": "60s",
    "aggregations": [{"alignmentPeriod": "60s"}],
}
_ALERT = {
    "displayName": "p",
    "combiner": "OR",
    "conditions": [{"displayName": "c", "conditionThreshold": _SERIES}],
    "notificationChannels": [],
    "alertStrategy": {"notificationRateLimit": {"period": "300s"}},
}
_BUDGET = {
    "displayName": "b",
    "amount": {"specifiedAmount": {"units": "30", "currencyCode": "USD"}},
    "budgetFilter": {"projects": [f"projects/{Project.number}"]},
    "thresholdRules": [{"thresholdPercent": 0.5}],
    "notificationsRule": {"pubsubTopic": f"{PROJECT}/topics/first-one", "schemaVersion": "1.0"},
}
_KEYS = json.dumps(
    {
        "keys": [  # https://www.rfc-editor.org/rfc/rfc7517#appendix-A.1
            {
                "kty": "EC",
                "crv": "P-256",
                "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            }
        ]
    }
)
_PROVIDER = {
    "attributeMapping": {"google.subject": "assertion.sub"},
    "attributeCondition": "assertion.a == 'b'",
    "oidc": {"issuerUri": "https://example.com", "jwksJson": _KEYS, "allowedAudiences": ["a"]},
}
_BUCKET = {
    "name": "NEW",
    "location": "asia-southeast1",
    "labels": {"a": "b"},
    "versioning": {"enabled": True},
    "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 3}}]},
    "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}, "publicAccessPrevention": "enforced"},
}
_REPOSITORY = {
    "format": "DOCKER",
    "dockerConfig": {"immutableTags": True},
    "cleanupPolicies": {"k": {"id": "k", "action": "KEEP", "mostRecentVersions": {"keepCount": 3}}},
}
_EXCHANGE = {
    "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
    "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
    "scope": "s",
    "audience": f"//iam.googleapis.com/{_NUMBERED}/workloadIdentityPools/first-one/providers/first-one",
    "subjectToken": "a.b.c",
}
_ACCOUNT = f"first-one@{Project.id}.iam.gserviceaccount.com"
_VALID: list[tuple[str, str, Json]] = [
    ("POST", _SECRETS + "?secretId=NEW", {"replication": {"automatic": {}}, "labels": {"a": "b"}}),
    ("POST", _SECRETS + "/first-one:addVersion", {"payload": {"data": "AAAA"}}),
    ("PATCH", _SECRETS + "/first-one?updateMask=labels", {"labels": {"a": "b"}}),
    ("POST", _SECRETS + "/first-one:setIamPolicy", {"policy": _POLICY}),
    ("PUT", f"pubsub.googleapis.com/v1/{PROJECT}/topics/NEW", {"labels": {"a": "b"}}),
    (
        "PATCH",
        f"pubsub.googleapis.com/v1/{PROJECT}/topics/first-one",
        {"topic": {"labels": {}}, "updateMask": "labels"},
    ),
    ("POST", _COMPUTE + "/global/networks", {"name": "NEW", "autoCreateSubnetworks": False}),
    (
        "POST",
        _COMPUTE + "/regions/asia-southeast1/subnetworks",
        {"name": "NEW", "network": f"{PROJECT}/global/networks/first-one", "ipCidrRange": "10.0.0.0/24"},
    ),
    ("POST", _RUN + "?serviceId=NEW", _SERVICE),
    ("PATCH", _RUN + "/first-one", {"template": template(), "traffic": _SERVICE["traffic"]}),
    ("POST", _POOL + "?workloadIdentityPoolId=NEW", {"displayName": "p"}),
    ("PATCH", _POOL + "/first-one?updateMask=displayName,disabled", {"displayName": "p"}),
    ("POST", _POOL + "/first-one/providers?workloadIdentityPoolProviderId=NEW", _PROVIDER),
    ("PATCH", _POOL + "/first-one/providers/first-one?updateMask=oidc,attributeMapping,attributeCondition", _PROVIDER),
    ("POST", _ACCOUNTS, {"accountId": "NEW", "serviceAccount": {"displayName": "d"}}),
    ("PATCH", f"{_ACCOUNTS}/{_ACCOUNT}", {"serviceAccount": {"displayName": "d"}, "updateMask": "displayName"}),
    ("POST", f"{_ACCOUNTS}/{_ACCOUNT}:setIamPolicy", {"policy": _POLICY}),
    ("POST", "sts.googleapis.com/v1/token", _EXCHANGE),
    (
        "POST",
        f"iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{_ACCOUNT}:generateAccessToken",
        {"scope": ["s"], "lifetime": "300s"},
    ),
    ("POST", f"cloudresourcemanager.googleapis.com/v1/{PROJECT}:setIamPolicy", {"policy": _POLICY}),
    (
        "POST",
        f"cloudresourcemanager.googleapis.com/v1/{PROJECT}:getIamPolicy",
        {"options": {"requestedPolicyVersion": 3}},
    ),
    ("POST", f"artifactregistry.googleapis.com/v1/{PLACE}/repositories?repositoryId=NEW", _REPOSITORY),
    ("POST", f"billingbudgets.googleapis.com/v1/billingAccounts/{Project.billing_account}/budgets", _BUDGET),
    ("POST", _MONITORING + "/notificationChannels", {"type": "email", "labels": {"email_address": "a@example.com"}}),
    ("POST", _MONITORING + "/alertPolicies", _ALERT),
    ("POST", _METRICS, {"name": "NEW", "filter": "f", **_LABEL}),
    ("PUT", _METRICS + "/first-one", {"name": "first-one", "filter": "f", **_LABEL}),
    ("POST", _FIREBASE + "/webApps", {"displayName": "a"}),
    ("POST", f"{_HOSTING}/{PROJECT}/sites?siteId=NEW", {"labels": {"a": "b"}}),
    (
        "POST",
        f"{_HOSTING}/{PROJECT}/sites/first-one/versions",
        {"config": {"headers": [{"glob": "**", "headers": {"a": "b"}}]}},
    ),
    ("PATCH", _IDENTITY + "/config?updateMask=signIn.email.enabled", {"signIn": {"email": {"enabled": True}}}),
    ("PATCH", _IDENTITY + "/config", {"authorizedDomains": ["example.com"]}),
    (
        "PATCH",
        _IDENTITY + "/defaultSupportedIdpConfigs/google.com",
        {"enabled": True, "clientId": "c", "clientSecret": "s"},
    ),
    (
        "PATCH",
        _APP_CHECK + "/services/identitytoolkit.googleapis.com?updateMask=enforcementMode",
        {"enforcementMode": "OFF"},
    ),
    (
        "POST",
        f"serviceusage.googleapis.com/v1/{PROJECT}/services:batchEnable",
        {"serviceIds": ["run.googleapis.com"]},
    ),
    ("POST", "storage/v1/b?project=kikitori-local", _BUCKET),
    ("PATCH", "storage/v1/b/first-one", {**_BUCKET, "name": "first-one"}),
    ("PUT", "storage/v1/b/first-one/iam", _POLICY),
]
_ONCE: list[tuple[str, str, Json]] = [
    ("POST", _FIREBASE + ":addFirebase", {}),
    ("POST", _IDENTITY + "/identityPlatform:initializeAuth", {}),
    ("POST", _IDENTITY + "/defaultSupportedIdpConfigs?idpId=google.com", {}),
]
_INSTEAD: tuple[Any, ...] = (None, "", "x", -1, 2**70, True, [], {}, [{}], [None], {"x": {}}, "a,b")


def _without_one(value: Any) -> Iterator[Any]:
    """Copies of a JSON value with one part of it taken away or replaced."""
    yield from _INSTEAD
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        rest = copy.copy(value)
        del rest[key]
        yield rest
        for changed in _without_one(value[key]):
            other = copy.copy(value)
            other[key] = changed
            yield other


@asynccontextmanager
async def _cloud(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """One in this process: what it raises, this raises."""
    with opened(folder, "http://127.0.0.1:1", everything_enabled=True, with_registry=False) as app:
        headers = {"Authorization": "Bearer fake", "X-Goog-User-Project": Project.id}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://here", headers=headers
        ) as here:
            for verb, path, body in _ONCE + _VALID:
                answer = await _send(here, verb, path, body, "first-one")
                # No token is signed here, and a project keeps its owner.
                refused = ("sts.", f"{PROJECT}:setIamPolicy")
                assert answer.status_code == 200 or any(part in path for part in refused), (path, answer.text)
            yield here


async def _send(here: httpx.AsyncClient, verb: str, path: str, body: Any, name: str) -> httpx.Response:
    return await here.request(verb, path.replace("NEW", name), content=json.dumps(body).replace("NEW", name))


def test_nothing_that_is_sent_breaks_it(tmp_path: Path) -> None:
    async def all_of_it() -> None:
        number = itertools.count()
        async with _cloud(tmp_path) as here:
            for verb, path, valid in _VALID:
                for body in _without_one(valid):
                    answer = await _send(here, verb, path, body, f"new-{next(number)}")
                    assert answer.status_code < 500, (path, body, answer.text)

    asyncio.run(all_of_it())


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"1", b"\xff", b'{"name": NaN}', b"[" * 100_000], ids=lambda each: each[:9]
)
def test_what_is_no_json_object(tmp_path: Path, content: bytes) -> None:
    async def all_of_it() -> None:
        async with _cloud(tmp_path) as here:
            for verb, path, _ in _VALID:
                answer = await here.request(verb, path.replace("NEW", "new-one"), content=content)
                assert answer.status_code == 400, (path, answer.text)

    asyncio.run(all_of_it())
