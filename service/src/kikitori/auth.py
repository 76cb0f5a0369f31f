"""Who may call. Knows HTTP's Authorization header and nothing of engines, so that a front door can reuse it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from kikitori.errors import Code, ServiceError

if TYPE_CHECKING:
    from jwt import PyJWKClient

    from kikitori.settings import Settings

_GOOGLE_KEYS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
_HASHED = "sha256:"


class Authenticator(Protocol):
    """Lets a caller in or refuses it."""

    async def check(self, authorization: str | None) -> None:
        """Judge the value of the Authorization header.

        Raises:
            ServiceError: the caller may not come in.
        """


class Anyone:
    """Lets everyone in."""

    async def check(self, authorization: str | None) -> None:
        """Accept."""


class ApiKeys:
    """Lets holders of a key in.

    Args:
        keys: each as it is, or `sha256:` and its digest in hexadecimal, so that no secret needs to be stored; behind
            a digest and a space may stand a note.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [
            bytes.fromhex(key.removeprefix(_HASHED).partition(" ")[0]) if key.startswith(_HASHED) else _digest(key)
            for key in keys
        ]

    async def check(self, authorization: str | None) -> None:
        """Accept a known key, in a time that does not depend on how much of it is right."""
        given = _digest(_bearer(authorization, "an access key"))
        matches = [hmac.compare_digest(given, digest) for digest in self._digests]
        if not any(matches):
            raise ServiceError(Code.INVALID_API_KEY, "The access key is not valid. Ask for one that is.")


class FirebaseUsers:
    """Lets users of a Firebase project in, by the ID token that its sign-in gave them.

    https://firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library

    Args:
        project: the id of the project.
        allowed: addresses, and domains with an @ before them, that may come in; none is all.
        keys_url: where the public keys of the tokens' issuer are.
    """

    def __init__(self, project: str, allowed: Iterable[str] = (), keys_url: str = _GOOGLE_KEYS) -> None:
        self._project = project
        self._allowed = {user.lower() for user in allowed}
        self._keys_url = keys_url

    @cached_property
    def _keys(self) -> PyJWKClient:
        from jwt import PyJWKClient

        return PyJWKClient(self._keys_url)

    async def check(self, authorization: str | None) -> None:
        """Accept a token that is signed, current, and for this project."""
        await asyncio.to_thread(self._verify, _bearer(authorization, "a Firebase ID token"))

    def _verify(self, token: str) -> None:
        import jwt

        try:
            claims = jwt.decode(
                token,
                self._keys.get_signing_key_from_jwt(token).key,
                algorithms=["RS256"],
                audience=self._project,
                issuer=f"https://securetoken.google.com/{self._project}",
                options={"require": ["exp", "iat", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise ServiceError(Code.INVALID_API_KEY, f"The sign-in is not valid ({error}). Sign in again.") from error
        if not claims["sub"]:
            raise ServiceError(Code.INVALID_API_KEY, "The sign-in names no user. Sign in again.")
        if self._allowed and not self._is_allowed(claims):
            raise ServiceError(Code.INVALID_API_KEY, "This account may not use the service. Ask for it to be added.")

    def _is_allowed(self, claims: Mapping[str, object]) -> bool:
        """Whether the token's address is listed; one that nobody has proved to own could be anybody's."""
        address = str(claims.get("email", "")).lower() if claims.get("email_verified") is True else ""
        return bool(address) and not self._allowed.isdisjoint({address, address[address.rfind("@") :]})


def build_authenticator(settings: Settings) -> Authenticator:
    """The one that the settings ask for."""
    if settings.auth == "api-key":
        return ApiKeys(key.get_secret_value() for key in settings.api_keys)
    if settings.auth == "firebase":
        return FirebaseUsers(settings.firebase_project or "", settings.allowed_users)
    return Anyone()


def _bearer(authorization: str | None, what: str) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ServiceError(Code.INVALID_API_KEY, f"This service needs {what}: send 'Authorization: Bearer …'.")
    return token.strip()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
