"""Requests outside the discovery documents: downloads, pieces of uploads, files for Hosting, tokens."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import admission
from .call import Cloud
from .errors import GoogleError
from .services import hosting, storage

_BY_JSON = re.compile(r"download/storage/v1/b/([^/]+)/o/(.+)")
_BY_XML = re.compile(r"([a-z0-9][a-z0-9_.-]+)/(.+)")
_UPLOAD = re.compile(r"upload/storage/v1/b/[^/]+/o")


def documented(host: str, path: str, request: Request) -> tuple[str, Request]:
    """What stands in the documents for another way to get an object, or to send a piece of one; else what is given."""
    scope = request.scope
    if (host, request.method) == (storage.HOST, "PUT") and _UPLOAD.fullmatch(path):
        return path, Request({**scope, "method": "POST"})
    if (host, request.method) == (storage.HOST, "GET") and (
        found := _BY_JSON.fullmatch(path) or _BY_XML.fullmatch(path)
    ):
        query = scope["query_string"] + b"&alt=media"
        return f"storage/v1/b/{found[1]}/o/{quote(unquote(found[2]), safe='')}", Request(
            {**scope, "query_string": query}
        )
    return path, request


def other(cloud: Cloud, host: str, path: str, request: Request, content: bytes) -> Response:
    """Answer one that has nothing like it there.

    Raises:
        GoogleError: 401, 404, or what they raise; 501 for anything else.
    """
    if (request.method, host, path) == ("POST", "sts.googleapis.com", "v1/oauthtoken"):
        if not request.headers.get("authorization"):
            raise GoogleError("UNAUTHENTICATED", "Request is missing required authentication credential.")
        return JSONResponse({"access_token": "fake", "token_type": "Bearer", "expires_in": 3600})
    admission.bearer(cloud, request.headers)
    if host == storage.HOST and path.startswith(f"{hosting.UPLOAD_HOST}/") and request.method == "POST":
        with cloud.store.transaction():
            return hosting.upload(cloud, path.partition("/")[2], content)
    raise GoogleError("UNIMPLEMENTED", f"The local cloud does not have {request.method} https://{host}/{path}.")
