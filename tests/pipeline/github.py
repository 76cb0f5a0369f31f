"""GitHub's tokens of jobs, by which the pipeline says who it is."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ISSUER = "https://token.actions.githubusercontent.com"
REQUEST_TOKEN = "a job's own"  # noqa: S105
REPOSITORY = {"repository_id": "123456789", "repository_owner_id": "1234567"}


class Tokens:
    """Signs what a job of main says of itself (https://docs.github.com/actions/reference/security/oidc)."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        public: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self.keys = {"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]}
        self.app = Starlette(routes=[Route("/token", self._issue)])

    async def _issue(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {REQUEST_TOKEN}":
            return Response(status_code=401)
        now = int(time.time())
        claims = {
            **REPOSITORY,
            "iss": ISSUER,
            "aud": request.query_params["audience"],
            "sub": "repo:owner/name:ref:refs/heads/main",
            "iat": now,
            "exp": now + 300,
            "ref": "refs/heads/main",
            "event_name": "push",
            "run_id": "1",
            "runner_environment": "github-hosted",
        }
        return JSONResponse({"value": jwt.encode(claims, self._key, "RS256", {"kid": "one"})})
