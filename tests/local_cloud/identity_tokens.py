"""Identity tokens: JSON Web Tokens that say who a service account is, signed with a key that the state keeps.

https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateIdToken
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .store import Json, Store

_ISSUER = "https://accounts.google.com"
_LIFETIME_S = 3600
_KEPT = "identity-token-key"


def issued(store: Store, email: str, audience: str, *, with_email: bool = False) -> str:
    """A token of a service account for an audience, of an hour. Its subject is the address; Google's is a number."""
    now = int(time.time())
    claims: Json = {"iss": _ISSUER, "aud": audience, "sub": email}
    claims |= {"email": email, "email_verified": True} if with_email else {}
    return jwt.encode({**claims, "iat": now, "exp": now + _LIFETIME_S}, _key(store), "ES256")


def verified(store: Store, token: str, audiences: Sequence[str]) -> str | None:
    """Whose token it is, if it is valid now for one of the audiences; else None."""
    try:
        claims = jwt.decode(token, _key(store).public_key(), ["ES256"], audience=audiences, issuer=_ISSUER)
    except jwt.PyJWTError:
        return None
    return str(claims["sub"])


def _key(store: Store) -> ec.EllipticCurvePrivateKey:
    if store.content(_KEPT) is None:
        made = ec.generate_private_key(ec.SECP256R1())
        store.put_content(_KEPT, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).prepare_key(store.content(_KEPT) or b"")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
