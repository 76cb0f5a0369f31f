"""A workload's own token becomes a service account's, by google-auth: signature, audience and condition are checked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import exceptions, identity_pool
from google.auth.transport.requests import Request
from googleapiclient.errors import HttpError

from .call import Project
from .conftest import PROJECT, Served, served
from .store import Json

_ISSUER = "https://token.actions.githubusercontent.com"
_POOL = f"projects/{Project.number}/locations/global/workloadIdentityPools/github"
_AUDIENCE = f"//iam.googleapis.com/{_POOL}/providers/actions"
_EMAIL = f"deploy-it@{Project.id}.iam.gserviceaccount.com"
_CLAIMS = {"repository_id": "42", "ref": "refs/heads/main", "sub": "repo:o/r:ref:refs/heads/main"}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, key: rsa.RSAPrivateKey) -> Iterator[Served]:
    """One that knows the issuer's key, with a pool for one repository and one account that it may be."""
    public: Json = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    issuers = {_ISSUER: {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]}}
    folder = tmp_path_factory.mktemp("identity")
    with served(folder, everything_enabled=True, with_registry=False, issuers=issuers) as here:
        projects = here.client("iam", "v1").projects()
        pools, parent = projects.locations().workloadIdentityPools(), f"{PROJECT}/locations/global"
        pools.create(parent=parent, workloadIdentityPoolId="github", body={}).execute()
        provider = {
            "attributeMapping": {
                "google.subject": "assertion.sub",
                "attribute.repository_id": "assertion.repository_id",
            },
            "attributeCondition": "assertion.repository_id == '42' && assertion.ref == 'refs/heads/main'",
            "oidc": {"issuerUri": _ISSUER},
        }
        created = {"parent": f"{parent}/workloadIdentityPools/github", "workloadIdentityPoolProviderId": "actions"}
        pools.providers().create(**created, body=provider).execute()
        body = {"accountId": "deploy-it", "serviceAccount": {"displayName": "Deploys"}}
        account = projects.serviceAccounts().create(name=PROJECT, body=body).execute()["name"]
        member = f"principalSet://iam.googleapis.com/{_POOL}/attribute.repository_id/42"
        policy = {"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": [member]}]}
        projects.serviceAccounts().setIamPolicy(resource=account, body={"policy": policy}).execute()
        yield here


def _credentials(cloud: Served, folder: Path, key: rsa.RSAPrivateKey, account: str = _EMAIL, **claims: Any) -> Any:
    body = {
        "iss": _ISSUER,
        "aud": f"https:{_AUDIENCE}",
        "iat": time.time(),
        "exp": time.time() + 300,
        **_CLAIMS,
        **claims,
    }
    file = folder / "token"
    file.write_text(jwt.encode(body, key, "RS256", {"kid": "one"}))
    accounts = f"{cloud.url}/iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"
    return identity_pool.Credentials(
        audience=_AUDIENCE,
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",  # noqa: S106
        token_url=f"{cloud.url}/sts.googleapis.com/v1/token",
        credential_source={"file": str(file)},
        service_account_impersonation_url=f"{accounts}/{account}:generateAccessToken",
        scopes=["https://www.googleapis.com/auth/cloud-platform"],
    )


def test_token_that_the_pool_lets_in(cloud: Served, tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    run = cloud.client("run", "v2", _credentials(cloud, tmp_path, key)).projects().locations().services()
    assert run.list(parent=f"{PROJECT}/locations/asia-southeast1").execute() == {}


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"repository_id": "43"}, "rejected by the attribute condition"),
        ({"ref": "refs/heads/other"}, "rejected by the attribute condition"),
        ({"aud": "https://example.com"}, "Audience doesn't match"),
        ({"iss": "https://example.com"}, "Invalid issuer"),
        ({"exp": 1_700_000_000}, "Signature has expired"),
        ({"sub": "x" * 128}, "longer than 127"),
    ],
)
def test_token_refused(cloud: Served, tmp_path: Path, key: rsa.RSAPrivateKey, claims: Json, words: str) -> None:
    with pytest.raises((HttpError, exceptions.GoogleAuthError), match=words):
        cloud.client("run", "v2", _credentials(cloud, tmp_path, key, **claims)).projects().locations().services().list(
            parent=f"{PROJECT}/locations/asia-southeast1"
        ).execute()


def test_signature_of_another(cloud: Served, tmp_path: Path) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    with pytest.raises(exceptions.OAuthError, match="Signature verification failed"):
        _credentials(cloud, tmp_path, stranger).refresh(Request())


def test_account_that_it_may_not_be(cloud: Served, tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    body = {"accountId": "another-one"}
    cloud.client("iam", "v1").projects().serviceAccounts().create(name=PROJECT, body=body).execute()
    email = _EMAIL.replace("deploy-it", "another-one")
    with pytest.raises(exceptions.RefreshError, match=r"iam\.serviceAccounts\.getAccessToken"):
        _credentials(cloud, tmp_path, key, email).refresh(Request())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attributeCondition": "assertion.ref =="}, "Error compiling CEL expression"),
        ({"attributeCondition": "'yes'"}, "must be a Boolean"),
        ({"attributeMapping": {"attribute.a": "assertion.a"}}, "Must map google.subject"),
        ({"oidc": {"issuerUri": "http://example.com"}}, "Must be an https:// address"),
    ],
)
def test_provider_refused(cloud: Served, changes: Json, words: str) -> None:
    body = {"attributeMapping": {"google.subject": "assertion.sub"}, "oidc": {"issuerUri": _ISSUER}, **changes}
    providers = cloud.client("iam", "v1").projects().locations().workloadIdentityPools().providers()
    with pytest.raises(HttpError, match=words):
        providers.create(parent=_POOL, workloadIdentityPoolProviderId="refused", body=body).execute()
