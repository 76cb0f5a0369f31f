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
_MEMBER = f"principalSet://iam.googleapis.com/{_POOL}/attribute.repository_id/42"
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
        policy = {"bindings": [{"role": "roles/iam.workloadIdentityUser", "members": [_MEMBER]}]}
        projects.serviceAccounts().setIamPolicy(resource=account, body={"policy": policy}).execute()
        yield here


def _credentials(
    cloud: Served, folder: Path, key: rsa.RSAPrivateKey, account: str | None = _EMAIL, **claims: Any
) -> Any:
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
        service_account_impersonation_url=f"{accounts}/{account}:generateAccessToken" if account else None,
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
        ({"iat": "1700000000"}, "must be numbers"),
        ({"exp": time.time() + 48 * 3600}, "more than 24 hours"),
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
    _account(cloud, "another-one")
    with pytest.raises(exceptions.RefreshError, match=r"iam\.serviceAccounts\.getAccessToken"):
        _credentials(cloud, tmp_path, key, _email("another-one")).refresh(Request())


def _email(name: str) -> str:
    return _EMAIL.replace("deploy-it", name)


def _account(cloud: Served, name: str) -> Json:
    accounts = cloud.client("iam", "v1").projects().serviceAccounts()
    made: Json = accounts.create(name=PROJECT, body={"accountId": name}).execute()
    return made


def test_role_for_identity_tokens_alone(cloud: Served, tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    account = _account(cloud, "identified")
    binding = {"role": "roles/iam.serviceAccountOpenIdTokenCreator", "members": [_MEMBER]}
    accounts = cloud.client("iam", "v1").projects().serviceAccounts()
    accounts.setIamPolicy(resource=account["name"], body={"policy": {"bindings": [binding]}}).execute()
    credentials = _credentials(cloud, tmp_path, key, None)
    tokens = cloud.client("iamcredentials", "v1", credentials).projects().serviceAccounts()
    name = f"projects/-/serviceAccounts/{account['email']}"
    assert tokens.generateIdToken(name=name, body={"audience": "https://example.com"}).execute()["token"]
    with pytest.raises(HttpError, match=r"getAccessToken' denied"):
        tokens.generateAccessToken(name=name, body={"scope": ["s"]}).execute()


def test_account_that_is_disabled(cloud: Served, tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    accounts = cloud.client("iam", "v1").projects().serviceAccounts()
    name = f"projects/{Project.id}/serviceAccounts/{_EMAIL}"
    accounts.disable(name=name, body={}).execute()
    assert accounts.get(name=name).execute()["disabled"] is True
    with pytest.raises(exceptions.RefreshError, match="is disabled"):
        _credentials(cloud, tmp_path, key).refresh(Request())
    accounts.enable(name=name, body={}).execute()
    _credentials(cloud, tmp_path, key).refresh(Request())


def test_delegates_are_not_ignored(cloud: Served) -> None:
    accounts = cloud.client("iamcredentials", "v1").projects().serviceAccounts()
    body = {"scope": ["s"], "delegates": [f"projects/-/serviceAccounts/{_EMAIL}"]}
    with pytest.raises(HttpError, match=r"does not honour delegates of iamcredentials\."):
        accounts.generateAccessToken(name=f"projects/-/serviceAccounts/{_EMAIL}", body=body).execute()


@pytest.mark.parametrize(
    ("expression", "granted"),
    [
        ("request.time < timestamp('2020-01-01T00:00:00Z')", False),
        ("resource.type == 'iam.googleapis.com/ServiceAccount' && resource.name.endsWith(UID)", True),
        ("resource.service == 'run.googleapis.com'", False),
    ],
    ids=["expired", "its own", "another service's"],
)
def test_conditional_binding(
    cloud: Served, tmp_path: Path, key: rsa.RSAPrivateKey, expression: str, granted: bool
) -> None:
    name = f"conditional-{granted}-{len(expression)}".lower()
    account = _account(cloud, name)
    condition = {"title": "c", "expression": expression.replace("UID", f"'{account['uniqueId']}'")}
    binding = {"role": "roles/iam.workloadIdentityUser", "members": [_MEMBER], "condition": condition}
    accounts = cloud.client("iam", "v1").projects().serviceAccounts()
    body = {"policy": {"bindings": [binding], "version": 3}}
    accounts.setIamPolicy(resource=account["name"], body=body).execute()
    credentials = _credentials(cloud, tmp_path, key, _email(name))
    if granted:
        credentials.refresh(Request())
    else:
        with pytest.raises(exceptions.RefreshError, match="getAccessToken"):
            credentials.refresh(Request())


def test_role_on_the_project_and_account_by_its_unique_id(
    cloud: Served, tmp_path: Path, key: rsa.RSAPrivateKey
) -> None:
    account = _account(cloud, "by-its-number")
    by_id = account["name"].replace(account["email"], account["uniqueId"])
    accounts = cloud.client("iam", "v1").projects().serviceAccounts()
    assert accounts.get(name=by_id).execute() == account
    projects = cloud.client("cloudresourcemanager", "v1").projects()
    policy = projects.getIamPolicy(resource=Project.id, body={}).execute()
    policy["bindings"].append({"role": "roles/iam.serviceAccountTokenCreator", "members": [_MEMBER]})
    projects.setIamPolicy(resource=Project.id, body={"policy": policy}).execute()
    _credentials(cloud, tmp_path, key, account["uniqueId"]).refresh(Request())
    del policy["bindings"][-1], policy["etag"]
    projects.setIamPolicy(resource=Project.id, body={"policy": policy}).execute()
    accounts.delete(name=by_id).execute()
    with pytest.raises(HttpError, match="Unknown service account"):
        accounts.get(name=account["name"]).execute()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attributeCondition": "assertion.ref =="}, "Error compiling CEL expression"),
        ({"attributeCondition": "'yes'"}, "must be a Boolean"),
        ({"attributeMapping": {"attribute.a": "assertion.a"}}, "Must map google.subject"),
        ({"oidc": {"issuerUri": "http://example.com"}}, "Must be an https:// address"),
        ({}, "must reference one of the provider's claims"),
        ({"attributeCondition": "'assertion.sub' != ''"}, "must reference one of the provider's claims"),
        ({"displayName": "x" * 33}, "At most 32 characters"),
        ({"description": "x" * 257}, "At most 256 characters"),
        ({"oidc": {"issuerUri": _ISSUER, "allowedAudiences": list("abcdefghijk")}}, "At most 10 audiences"),
        ({"attributeCondition": f"assertion.ref == '{'x' * 4096}'"}, "longer than 4096"),
        ({"attributeMapping": {"google.subject": f"'{'x' * 2048}'"}}, "longer than 2048"),
        (
            {"attributeMapping": {"google.subject": "assertion.sub", **{f"attribute.a{i}": "'x'" for i in range(51)}}},
            "At most 50 custom attributes",
        ),
        ({"oidc": {"issuerUri": _ISSUER, "jwksJson": "{"}}, "Not a JSON Web Key Set"),
        ({"oidc": {"issuerUri": _ISSUER, "jwksJson": '{"keys": [1]}'}}, "Not a JSON Web Key Set"),
    ],
)
def test_provider_refused(cloud: Served, changes: Json, words: str) -> None:
    body = {"attributeMapping": {"google.subject": "assertion.sub"}, "oidc": {"issuerUri": _ISSUER}, **changes}
    providers = cloud.client("iam", "v1").projects().locations().workloadIdentityPools().providers()
    with pytest.raises(HttpError, match=words):
        providers.create(parent=_POOL, workloadIdentityPoolProviderId="refused", body=body).execute()
