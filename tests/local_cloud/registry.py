"""Artifact Registry's images: Debian's `docker-registry`, a real registry, behind the names of Artifact Registry.

`/v2/LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE` reaches it, which a `registries.conf` makes of the real name.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import httpx2 as httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from . import tokens
from .call import Cloud
from .errors import GoogleError

_NAME = re.compile(r"/v2/([a-z0-9-]+)-docker\.pkg\.dev/([^/]+)/([^/]+)/[^/]+(/[^/]+)*/(manifests|blobs|tags)/.+")
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_USER = "oauth2accesstoken"
_PASSED = ("content-type", "content-length", "content-range", "accept", "range")


class Registry:
    """A registry at an address, asked only for repositories that exist."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(base_url=url, timeout=60)

    async def answer(self, request: Request, cloud: Cloud) -> ASGIApp:
        """What the registry answers, or why it is not asked."""
        try:
            _signed_in(cloud, request)
        except GoogleError as error:
            realm = {"WWW-Authenticate": f'Basic realm="{cloud.url}"'}
            return _refused(401, "UNAUTHORIZED", error.message, realm)
        path = request.url.path
        if path != "/v2/":
            found = _NAME.fullmatch(path)
            if not found:
                return _refused(404, "NAME_UNKNOWN", "Names are LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE")
            repository = (
                f"projects/{cloud.by_id('projects/' + found[2])[9:]}/locations/{found[1]}/repositories/{found[3]}"
            )
            entity = cloud.store.get(f"artifactregistry.googleapis.com/{repository}")
            if entity is None or entity.body["format"] != "DOCKER":
                return _refused(404, "NAME_UNKNOWN", f'Repository "{found[3]}" of format DOCKER not found')
            immutable = entity.body.get("dockerConfig", {}).get("immutableTags", False)
            tag = re.fullmatch(r".+/manifests/([^:]+)", path)
            if immutable and tag and request.method == "PUT" and await self._moves(request, path):
                return _refused(
                    400, "MANIFEST_INVALID", f"cannot update tag {tag[1]}. The repository has enabled tag immutability"
                )
        return await self._pass(request, path)

    async def _moves(self, request: Request, path: str) -> bool:
        """Whether a tag that exists would get another manifest."""
        before = await self._client.get(path, headers={"accept": ", ".join(_MANIFESTS)})
        return before.status_code == 200 and before.content != await request.body()

    async def _pass(self, request: Request, path: str) -> ASGIApp:
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        headers["host"] = request.headers["host"]
        sent = self._client.build_request(
            request.method, path, params=dict(request.query_params), headers=headers, content=await request.body()
        )
        answer = await self._client.send(sent, stream=True)
        kept = {
            name: value for name, value in answer.headers.items() if name not in ("connection", "transfer-encoding")
        }
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept, background=BackgroundTask(answer.aclose))


def _signed_in(cloud: Cloud, request: Request) -> None:
    """Docker's clients say who they are with the user `oauth2accesstoken` and a token as the password."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            user, _, given = base64.b64decode(given).decode().partition(":")
        except ValueError as error:
            raise GoogleError("UNAUTHENTICATED", "The credentials are not base64.") from error
        if user != _USER:
            raise GoogleError("UNAUTHENTICATED", f"The user must be {_USER}.")
    if not given:
        raise GoogleError("UNAUTHENTICATED", "Authentication is required.")
    tokens.principal(cloud, given)


def _refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    version = {"Docker-Distribution-Api-Version": "registry/2.0"}
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status, {**version, **(headers or {})})


def registries_conf(file: Path, address: str, locations: tuple[str, ...]) -> None:
    """Write a `registries.conf` (containers-registries.conf(5)) by which the real names lead to this machine."""
    entry = '[[registry]]\nprefix = "{name}"\nlocation = "{address}/{name}"\ninsecure = true\n'
    names = [f"{place}-docker.pkg.dev" for place in locations]
    file.write_text("".join(entry.format(name=name, address=address) for name in names), encoding="utf-8")


def auth_file(file: Path, address: str) -> None:
    """Write what `skopeo login` would (containers-auth.json(5))."""
    entry = {"auth": base64.b64encode(f"{_USER}:fake".encode()).decode()}
    file.write_text(json.dumps({"auths": {address: entry}}), encoding="utf-8")
