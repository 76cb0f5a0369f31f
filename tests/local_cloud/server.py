"""The stand-in over HTTP: `/HOST/PATH` is Google's `https://HOST/PATH`, and a path without a host is Cloud Storage's.

Cloud Storage's clients drop what stands before the path of an upload or a download, so they get the root.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from . import admission, downloads, faults
from .asked import Asked, nothing_ignored, selected
from .call import Call, Cloud
from .discovery import Method
from .errors import GoogleError, by_http, invalid
from .registry import Registry
from .schema import answered, camel, parameters, received
from .store import Json
from .table import Table, table

ROOT_HOST = "storage.googleapis.com"
_OF_GOOGLE = re.compile(r"(?!upload-firebasehosting\.)[a-z0-9.-]+\.(googleapis\.com|pkg\.dev|google\.com)")


class LocalCloud:
    """The ASGI application."""

    def __init__(self, cloud: Cloud, registry: Registry | None = None) -> None:
        self._cloud = cloud
        self._table: Table = table()
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if self._registry and request.url.path.startswith("/v2/"):
            answer = await self._registry.answer(request, self._cloud)
            await answer(scope, receive, send)
            return
        response = self._answer(request, await request.body())
        if response is None:
            # uvicorn's name for the connection; ASGI itself has no way to drop one.
            receive.__self__.transport.abort()  # type: ignore[attr-defined]
            await receive()
            return
        await response(scope, receive, send)

    def _answer(self, request: Request, content: bytes) -> Response | None:
        """The answer to a request; None drops the connection."""
        path = request.scope["raw_path"].decode(errors="replace").partition("?")[0].lstrip("/")
        try:
            if path.startswith("_local/"):
                return self._control(path.removeprefix("_local/"), request.method, content)
            host, rest = self._place(path)
            found = self._table.find(host, request.method, rest)
            if found is None:
                rest, request = downloads.documented(host, rest, request)
                found = self._table.find(host, request.method, rest)
            if found is None:
                return downloads.other(self._cloud, host, rest, request, content)
            method, groups = found
            return self._call(method, groups, rest, request, content)
        except GoogleError as error:
            return _error(error)

    def _place(self, path: str) -> tuple[str, str]:
        """The host and the path at Google."""
        host, _, rest = path.partition("/")
        if host in self._table.apis:
            return host, rest
        if _OF_GOOGLE.fullmatch(host):
            raise GoogleError("UNIMPLEMENTED", f"The local cloud does not have https://{path}.")
        return ROOT_HOST, path

    def _call(
        self, method: Method, groups: Mapping[str, str | None], path: str, request: Request, content: bytes
    ) -> Response | None:
        store = self._cloud.store
        fault = store.take_fault(method.id) or {}
        name = self._cloud.by_id(_name(method, path))
        response: Response | None = None
        if fault.get("drop") == "before":
            pass
        elif "status" in fault:
            response = _error(GoogleError(by_http()[fault["status"]], "This fault was asked for."))
        else:
            response = self._perform(method, groups, name, request, content, fault)
        store.log(method.id, name, response.status_code if response else 0)
        return None if "drop" in fault else response

    def _perform(
        self,
        method: Method,
        groups: Mapping[str, str | None],
        name: str,
        request: Request,
        content: bytes,
        fault: Json,
    ) -> Response:
        try:
            headers = dict(request.headers)
            caller = admission.caller(self._cloud, method, headers)
            handler = self._table.handler(method)
            query = Asked(parameters(method, parse_qs(request.url.query, keep_blank_values=True)))
            values = {key: self._cloud.by_id(unquote(value)) for key, value in groups.items() if value}
            body, media = _body(method, content, headers)
            call = Call(self._cloud, method, name, values, query, body, headers, media, fault, caller)
            admission.admit(call)
            with self._cloud.store.transaction():
                answer = selected(call.query, handler(call))
                nothing_ignored(method, call.query, call.body)
            if isinstance(answer, Response):
                return answer
            schema = method.schema("response")
            return JSONResponse(answered(method.api, schema, answer) if schema else answer)
        except GoogleError as error:
            return _error(error, of_oauth=method.api.host == "sts.googleapis.com")

    def _control(self, path: str, verb: str, content: bytes) -> Response:
        """What tests ask of the stand-in itself: `POST /_local/faults` asks for a fault, `DELETE` forgets all."""
        store = self._cloud.store
        if (path, verb) == ("faults", "POST"):
            store.add_fault(*faults.asked(content, self._table.known()))
            return Response(status_code=204)
        if (path, verb) == ("faults", "DELETE"):
            return JSONResponse({"unused": store.clear_faults()})
        return JSONResponse({"error": f"The local cloud has no {verb} /_local/{path}"}, 404)


def _name(method: Method, path: str) -> str:
    """A path without version and custom verb: the resource's name, or its collection's."""
    bare = re.sub(r"^(upload/|resumable/upload/)?([a-z]+/)?v\d[a-z0-9]*/", "", path)
    verb = re.search(r":\w+$", str(method.entry["path"]))
    return unquote(bare.removesuffix(verb[0]) if verb else bare)


def _body(method: Method, content: bytes, headers: Mapping[str, str]) -> tuple[Json, bytes]:
    """A request's JSON, checked, and its media."""
    kind = headers.get("content-type", "").partition(";")[0]
    if method.entry.get("supportsMediaUpload"):
        return {}, content
    if not content or "request" not in method.entry:
        return {}, b""
    try:
        if kind == "application/x-www-form-urlencoded":
            form = parse_qs(content.decode(), keep_blank_values=True)
            value: Any = {camel(key): values[-1] for key, values in form.items()}
        else:
            value = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise invalid("Invalid JSON payload received.") from error
    merge = method.verb == "PATCH" and method.api.host == ROOT_HOST
    schema = method.entry["request"]["$ref"]
    body: Json = received(method.api, {"$ref": schema}, value, nulls=merge)
    return Asked(body) if schema.endswith("Request") else body, b""


def _no_number(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _error(error: GoogleError, *, of_oauth: bool = False) -> Response:
    if error.status == "UNIMPLEMENTED":
        # Some clients try this again and again, without a word.
        logging.getLogger(__name__).warning(error.message)
    headers = {"Retry-After": "1"} if error.http in (429, 503) else {}
    return JSONResponse(error.oauth_body() if of_oauth else error.body(), error.http, headers)
