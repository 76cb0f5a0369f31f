"""Tokens for tokens: a workload's OIDC token becomes Google's, and that a service account's.

The exchange is OAuth 2.0's (RFC 8693): https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token. Tokens
that come out are this stand-in's own, kept in its state.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any

import jwt

from . import accounts, conditions, identity_tokens, policies
from .call import Call, Cloud, now
from .errors import GoogleError, bad_field, invalid
from .store import Json

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
_SUBJECT_TOKENS = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
_LIFETIME_S = 3600
_LONGEST_SUBJECT_TOKEN_S = 24 * 3600
_IMPERSONATORS = ("roles/iam.workloadIdentityUser", "roles/iam.serviceAccountTokenCreator")
_IDENTIFIERS = (*_IMPERSONATORS, "roles/iam.serviceAccountOpenIdTokenCreator")
_PREFIX = "local."
_KEPT = "tokens"


def _issue(cloud: Cloud, principal: str, lifetime_s: int, also: list[str] | None = None) -> str:
    token = f"{_PREFIX}{secrets.token_urlsafe(24)}"
    body = {"principal": principal, "also": also or [], "expires": time.time() + lifetime_s}
    cloud.store.put(f"{_KEPT}/{token}", body)
    return token


def _kept(cloud: Cloud, token: str) -> Json | None:
    entity = cloud.store.get(f"{_KEPT}/{token}")
    return entity.body if entity else None


def principal(cloud: Cloud, token: str) -> str:
    """Who a bearer token stands for.

    Raises:
        GoogleError: 401, a token of this stand-in that it does not know or that has expired.
    """
    if not token.startswith(_PREFIX):
        return "user:owner@example.com"
    kept = _kept(cloud, token)
    if kept is None or kept["expires"] < time.time():
        raise GoogleError("UNAUTHENTICATED", "Request had invalid authentication credentials.")
    return str(kept["principal"])


def exchange(call: Call) -> Json:
    """`sts.token`: verify the subject token's signature, issuer, audience and times; ask the condition."""
    body = call.body
    if body.get("grantType") != _EXCHANGE:
        raise invalid(f"Invalid grantType: must be {_EXCHANGE}")
    if body.get("requestedTokenType") != _ACCESS_TOKEN:
        raise invalid(f"Invalid requestedTokenType: must be {_ACCESS_TOKEN}")
    if body.get("subjectTokenType") not in _SUBJECT_TOKENS:
        raise invalid(f"Invalid subjectTokenType: must be one of {', '.join(_SUBJECT_TOKENS)}")
    if not body.get("scope"):
        raise invalid("Missing required parameter: scope")
    pool, provider = _provider(call)
    claims = _verified(call.cloud, provider, body.get("subjectToken", ""), body["audience"])
    attributes = conditions.attributes(provider, claims)
    subject, base = attributes["google.subject"], f"//iam.googleapis.com/{call.cloud.by_number(pool)}"
    also = [f"principalSet:{base}/*"]
    also += [f"principalSet:{base}/{k}/{v}" for k, v in attributes.items() if k.startswith("attribute.")]
    token = _issue(call.cloud, f"principal:{base}/subject/{subject}", _LIFETIME_S, also)
    return {
        "access_token": token,
        "issued_token_type": _ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": _LIFETIME_S,
    }


def _provider(call: Call) -> tuple[str, Json]:
    """The pool and the provider that an audience names, if both are in use."""
    audience = call.body.get("audience", "")
    found = re.fullmatch(
        r"//iam\.googleapis\.com/(projects/\d+/locations/global/workloadIdentityPools/[^/]+)/providers/([^/]+)",
        audience,
    )
    if not found:
        raise invalid(
            'Invalid value for "audience". It must be the full resource name of the provider, with the number.'
        )
    pool = call.cloud.by_id(found[1])
    body: Json = {}
    for name in (pool, f"{pool}/providers/{found[2]}"):
        entity = call.store.get(f"iam.googleapis.com/{name}")
        if entity is None or entity.deleted or entity.body.get("disabled"):
            raise invalid(
                'The target service indicated by the "audience" parameters is invalid. This might either be because '
                "the pool or provider is disabled or deleted or because it doesn't exist."
            )
        body = entity.body
    return pool, body


def _verified(cloud: Cloud, provider: Json, token: str, audience: str) -> Json:
    oidc = provider["oidc"]
    issuer = oidc["issuerUri"].rstrip("/")
    jwks = oidc.get("jwksJson") or (json.dumps(cloud.issuers[issuer]) if issuer in cloud.issuers else None)
    if jwks is None:
        raise invalid(
            f"Error connecting to the given credential's issuer {issuer}: the local cloud was not given its keys."
        )
    audiences = oidc.get("allowedAudiences") or [f"https:{audience}", audience]
    try:
        header = jwt.get_unverified_header(token)
        key = next(key for key in key_set(jwks).keys if key.key_id == header.get("kid"))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["RS256", "ES256"],
            audience=audiences,
            issuer=[issuer, f"{issuer}/"],
            options={"require": ["iss", "aud", "sub", "exp", "iat"]},
        )
    except (jwt.PyJWTError, StopIteration) as error:
        reason = str(error) or "no key of the issuer has its kid"
        raise invalid(f"The given credential is invalid or its signature cannot be verified: {reason}.") from error
    if not all(isinstance(claims[name], int | float) for name in ("exp", "iat")):
        raise invalid("The given credential is invalid: exp and iat must be numbers.")
    if claims["exp"] - claims["iat"] > _LONGEST_SUBJECT_TOKEN_S:
        raise invalid("The given credential is invalid: it is valid for more than 24 hours.")
    return claims


def key_set(jwks: str) -> jwt.PyJWKSet:
    """A provider's own keys (RFC 7517).

    Raises:
        GoogleError: 400, they are none.
    """
    try:
        return jwt.PyJWKSet.from_json(jwks)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise bad_field("oidc.jwks_json", f"Not a JSON Web Key Set: {error}") from error


def impersonate(call: Call) -> Json:
    """`generateAccessToken`: for whom the policies of the service account and of its project let be it."""
    email = _impersonated(call, "getAccessToken", _IMPERSONATORS)
    if not call.body.get("scope"):
        raise bad_field("scope", "Required field is missing")
    lifetime = call.body.get("lifetime", f"{_LIFETIME_S}s")
    seconds = int(float(lifetime[:-1]))
    if not 0 < seconds <= _LIFETIME_S:
        raise bad_field("lifetime", f"At most {_LIFETIME_S}s")
    issued = _issue(call.cloud, f"serviceAccount:{email}", seconds)
    return {"accessToken": issued, "expireTime": now(seconds, "seconds")}


def identify(call: Call) -> Json:
    """`generateIdToken`: likewise."""
    email = _impersonated(call, "getOpenIdToken", _IDENTIFIERS)
    if not call.body.get("audience"):
        raise bad_field("audience", "Required field is missing")
    with_email = bool(call.body.get("includeEmail"))
    return {"token": identity_tokens.issued(call.store, email, call.body["audience"], with_email=with_email)}


def _impersonated(call: Call, permission: str, holders: tuple[str, ...]) -> str:
    """The address of the service account that a caller wants to be, if one of the roles that let him is his."""
    account = accounts.find(call)
    if account.body.get("disabled"):
        raise GoogleError("FAILED_PRECONDITION", f"Service account {account.body['email']} is disabled.")
    token = call.headers.get("authorization", "").partition(" ")[2]
    if kept := _kept(call.cloud, token):
        named = f"projects/{call.cloud.project.id}/serviceAccounts/{account.body['uniqueId']}"
        resource = conditions.Resource(account.name, accounts.HOST, f"{accounts.HOST}/ServiceAccount", named)
        if not {kept["principal"], *kept["also"]} & policies.holders(call.store, resource, *holders):
            raise GoogleError(
                "PERMISSION_DENIED",
                f"Permission 'iam.serviceAccounts.{permission}' denied on resource (or it may not exist).",
            )
    return str(account.body["email"])
