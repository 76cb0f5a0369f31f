"""Calls to Google's APIs with the application's default credentials.

They raise requests.RequestException where the API refuses or cannot be reached, and
google.auth.exceptions.GoogleAuthError where there are no credentials or they are not valid, and say what to do then.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import google.auth
import google.auth.transport.requests
import requests
from google.auth.transport.requests import AuthorizedSession

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TIMEOUT_S = 60
_ADDRESS = {
    "bigquery": "BIGQUERY_API_URL",
    "cloudbilling": "CLOUD_BILLING_API_URL",
    "containeranalysis": "CONTAINER_ANALYSIS_API_URL",
    "firebasehosting": "FIREBASE_HOSTING_API_URL",
    "logging": "LOGGING_API_URL",
    "monitoring": "MONITORING_API_URL",
    "run": "CLOUD_RUN_API_URL",
    "secretmanager": "SECRET_MANAGER_API_URL",
}
"""Variables that name another address than https://NAME.googleapis.com; firebase-tools reads two of them too."""


def get(api: str, path: str, **parameters: Any) -> dict[str, Any]:
    """The JSON that an API answers.

    Args:
        api: one of those that are called here, see `_ADDRESS`.
        path: with its version.
        parameters: of the query; those that are None are left out.
    """
    return _call("GET", api, path, parameters)


def post(api: str, path: str, body: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    """Send JSON to an API, and give the JSON that it answers; like `get`."""
    return _call("POST", api, path, parameters, body)


def patch(api: str, path: str, body: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    """Change what the query's `updateMask` names, and give the JSON that an API answers; like `get`."""
    return _call("PATCH", api, path, parameters, body)


def access_token() -> str:
    """A token that lasts for minutes."""
    credentials, _ = google.auth.default(scopes=_SCOPES)
    credentials.refresh(google.auth.transport.requests.Request())
    token: str = credentials.token
    return token


def reason(response: requests.Response) -> str:
    """Google's own words, where it is Google that refused; else empty."""
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _call(
    method: str, api: str, path: str, parameters: dict[str, Any], body: dict[str, Any] | None = None
) -> dict[str, Any]:
    base = os.environ.get(_ADDRESS[api], f"https://{api}.googleapis.com")
    response = _session().request(method, f"{base}/{path}", params=parameters, json=body, timeout=_TIMEOUT_S)
    try:
        response.raise_for_status()
    except requests.HTTPError as error:
        # The status alone does not say that an API is not enabled, or which right is missing.
        raise requests.HTTPError(f"{error}\n{reason(response)}".rstrip(), response=response) from None
    answer: dict[str, Any] = response.json()
    return answer


@cache
def _session() -> AuthorizedSession:
    credentials, _ = google.auth.default(scopes=_SCOPES)
    return AuthorizedSession(credentials)
