"""Requests outside the discovery documents: downloads, pieces of uploads, files for Hosting, tokens."""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .asked import Asked
from .call import Call, Cloud
from .discovery import api
from .errors import GoogleError
from .services import hosting, objects, storage

_BY_JSON = re.compile(r"download/storage/v1/b/([^/]+)/o/(.+)")
_BY_XML = re.compile(r"([a-z0-9][a-z0-9_.-]+)/(.+)")


def other(cloud: Cloud, host: str, path: str, request: Request, content: bytes) -> Response:
    """Answer one.

    Raises:
        GoogleError: 401, 404, or what they raise; 501 for anything else.
    """
    if not request.headers.get("authorization"):
        raise GoogleError("UNAUTHENTICATED", "Request is missing required authentication credential.")
    if (request.method, host, path) == ("POST", "sts.googleapis.com", "v1/oauthtoken"):
        return JSONResponse({"access_token": "fake", "token_type": "Bearer", "expires_in": 3600})
    with cloud.store.transaction():
        if host == storage.HOST:
            if path.startswith(f"{hosting.UPLOAD_HOST}/") and request.method == "POST":
                return hosting.upload(cloud, path.partition("/")[2], content)
            if found := re.fullmatch(r"upload/storage/v1/b/([^/]+)/o", path):
                if request.method == "PUT":
                    return objects.resume(_resumed(cloud, found[1], request, content))
            elif request.method == "GET" and (found := _BY_JSON.fullmatch(path) or _BY_XML.fullmatch(path)):
                entity = objects.find(cloud, found[1], unquote(found[2]), request.query_params.get("generation"))
                return objects.download(cloud, entity, request.headers)
    raise GoogleError("UNIMPLEMENTED", f"The local cloud does not have {request.method} https://{host}/{path}.")


def _resumed(cloud: Cloud, bucket: str, request: Request, content: bytes) -> Call:
    method = api("storage.v1").methods["storage.objects.insert"]
    return Call(
        cloud,
        method,
        f"b/{bucket}/o",
        {"bucket": bucket},
        Asked(dict(request.query_params)),
        {},
        dict(request.headers),
        content,
    )
