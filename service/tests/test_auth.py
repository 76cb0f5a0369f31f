"""Who is let in."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Iterator

import httpx2 as httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from kikitori.app import create_app
from kikitori.auth import ApiKeys, FirebaseUsers
from kikitori.errors import ServiceError
from kikitori.settings import Settings
from pydantic import SecretStr
from starlette.responses import JSONResponse

from tests.processes import answering, serving
from tests.scripted_engine import ScriptedEngine

KEY = "a key of many characters"
DIGEST = f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"
PAGE = "https://page.example"


def test_keys_over_http() -> None:
    engine = ScriptedEngine()
    engine.allow_everything()
    settings = Settings(auth="api-key", api_keys=(SecretStr(KEY),), cors_origins=(PAGE,))
    with serving(create_app(settings, engine)) as url:
        assert httpx.get(f"{url}/health/live").status_code == 200  # probes have no key
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}):
            refusal = httpx.get(f"{url}/v1/models", headers=headers | {"Origin": PAGE})
            assert (refusal.status_code, refusal.json()["error"]["code"]) == (401, "invalid_api_key")
            assert refusal.headers["www-authenticate"] == "Bearer"
            assert refusal.headers["access-control-allow-origin"] == PAGE  # the page can read why
        assert httpx.get(f"{url}/v1/models", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200


def test_cors_names_the_page_alone() -> None:
    preflight = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    with serving(create_app(Settings(cors_origins=(PAGE,)), ScriptedEngine(load_gate=opened()))) as url:
        allowed = httpx.options(f"{url}/v1/warmup", headers=preflight)
        assert allowed.headers["access-control-allow-origin"] == PAGE
        refused = httpx.options(f"{url}/v1/warmup", headers=preflight | {"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers


def opened() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@pytest.mark.parametrize("stored", [KEY, DIGEST, f"{DIGEST} alice 2026-11-24"])
def test_a_key_may_be_stored_as_its_digest(stored: str) -> None:
    keys = ApiKeys(["another key, also long", stored])
    asyncio.run(keys.check(f"Bearer {KEY}"))
    with pytest.raises(ServiceError):
        asyncio.run(keys.check(f"Bearer {stored[:-1]}"))


@pytest.fixture(scope="module")
def issuer() -> Iterator[tuple[rsa.RSAPrivateKey, str]]:
    """A signing key, and the address where its public half is served."""
    private = rsa.generate_private_key(65537, 2048)
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key())) | {"kid": "one", "alg": "RS256"}
    with answering(lambda _: JSONResponse({"keys": [key]})) as address:
        yield private, f"{address}/keys"


@pytest.mark.parametrize(
    ("changes", "welcome"),
    [
        ({}, True),
        ({"aud": "other-project"}, False),
        ({"iss": "https://securetoken.google.com/other-project"}, False),
        ({"exp": time.time() - 60}, False),
        ({"sub": ""}, False),
    ],
)
def test_firebase_tokens(issuer: tuple[rsa.RSAPrivateKey, str], changes: dict[str, object], welcome: bool) -> None:
    private, keys_url = issuer
    now = time.time()
    claims = {
        "iss": "https://securetoken.google.com/my-project",
        "aud": "my-project",
        "sub": "somebody",
        "iat": now - 10,
        "exp": now + 3600,
    }
    users = FirebaseUsers("my-project", keys_url=keys_url)
    token = jwt.encode(claims | changes, private, "RS256", {"kid": "one"})
    if welcome:
        asyncio.run(users.check(f"Bearer {token}"))
    else:
        with pytest.raises(ServiceError):
            asyncio.run(users.check(f"Bearer {token}"))


@pytest.mark.parametrize(
    ("claims", "welcome"),
    [
        ({"email": "Name@example.com", "email_verified": True}, True),
        ({"email": "anybody@example.org", "email_verified": True}, True),
        ({"email": "other@example.com", "email_verified": True}, False),
        ({"email": "anybody@evil.example", "email_verified": True}, False),
        ({"email": "name@example.com", "email_verified": False}, False),
        ({"email": "name@example.com"}, False),
        ({"email_verified": True}, False),
    ],
)
def test_only_the_allowed_users_come_in(
    issuer: tuple[rsa.RSAPrivateKey, str], claims: dict[str, object], welcome: bool
) -> None:
    private, keys_url = issuer
    stays = {
        "iss": "https://securetoken.google.com/my-project",
        "aud": "my-project",
        "sub": "somebody",
        "iat": time.time() - 10,
        "exp": time.time() + 3600,
    }
    users = FirebaseUsers("my-project", ["name@example.com", "@example.org"], keys_url)
    token = jwt.encode(stays | claims, private, "RS256", {"kid": "one"})
    if welcome:
        asyncio.run(users.check(f"Bearer {token}"))
    else:
        with pytest.raises(ServiceError, match="may not use the service"):
            asyncio.run(users.check(f"Bearer {token}"))


@pytest.mark.parametrize(
    ("auth", "users", "complaint"),
    [("firebase", "somebody", "neither an address"), ("none", "@example.com", "counts with AUTH=firebase only")],
)
def test_allowed_users_that_would_keep_nobody_out_are_refused(auth: str, users: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Settings.model_validate({"auth": auth, "firebase_project": "my-project", "allowed_users": users})


def test_a_token_of_another_signer_is_refused(issuer: tuple[rsa.RSAPrivateKey, str]) -> None:
    forger = rsa.generate_private_key(65537, 2048)
    token = jwt.encode({"aud": "my-project", "sub": "somebody"}, forger, "RS256", {"kid": "one"})
    with pytest.raises(ServiceError):
        asyncio.run(FirebaseUsers("my-project", keys_url=issuer[1]).check(f"Bearer {token}"))
