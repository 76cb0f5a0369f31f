"""Translates what goes wrong into OpenAI-shaped answers."""

from __future__ import annotations

from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from kikitori.errors import Code, ServiceError

_CODES = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED}


def install(app: FastAPI) -> None:
    """Register the translations."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _client_left)


def error_response(error: ServiceError) -> JSONResponse:
    """The answer for an error."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error.body(), error.status, headers)


async def _service_error(_: Request, error: Exception) -> Response:
    return error_response(cast(ServiceError, error))


async def _validation_error(_: Request, error: Exception) -> Response:
    problem: dict[str, Any] = cast(RequestValidationError, error).errors()[0]
    if problem["type"] == "json_invalid":
        return error_response(ServiceError(Code.INVALID_BODY, f"The body is not JSON: {problem['ctx']['error']}."))
    if problem["type"] == "missing" and problem["loc"] == ("body",):
        return error_response(ServiceError(Code.INVALID_BODY, "The request has no body."))
    if problem["loc"] == ("body",):
        return error_response(ServiceError(Code.INVALID_BODY, f"The body: {problem['msg']}."))
    path = ".".join(str(part) for part in problem["loc"][1:])
    missing = problem["type"] == "missing"
    code = Code.MISSING_PARAMETER if missing else Code.INVALID_PARAMETER
    message = f"`{path}` is missing." if missing else f"`{path}`: {problem['msg']}."
    message = message.encode(errors="backslashreplace").decode()  # it may quote half a character, which cannot be sent
    return error_response(ServiceError(code, message, path or None))


async def _http_error(request: Request, error: Exception) -> Response:
    # FastAPI wraps whatever goes wrong while it reads a body, our own limit included.
    if isinstance(error.__cause__, ServiceError):
        return error_response(error.__cause__)
    http = cast(HTTPException, error)
    code = _CODES.get(http.status_code, Code.INVALID_BODY)
    response = error_response(ServiceError(code, f"{request.method} {request.url.path}: {http.detail.rstrip('.')}."))
    response.headers.update(http.headers or {})
    return response


async def _client_left(request: Request, _: Exception) -> Response:
    request.state.client_left = True
    return Response(status_code=499)
