"""Errors in Google's shape.

Newer APIs answer `{"error": {"code", "message", "status", "details"}}` (https://google.aip.dev/193); Cloud Storage and
Compute Engine answer `{"error": {"code", "message", "errors": [{"domain", "reason", "message"}]}}`. One holds both.
"""

from __future__ import annotations

from typing import Any

STATUSES = {
    "INVALID_ARGUMENT": (400, 3, "invalid"),
    "FAILED_PRECONDITION": (400, 9, "failedPrecondition"),
    "UNAUTHENTICATED": (401, 16, "required"),
    "PERMISSION_DENIED": (403, 7, "forbidden"),
    "NOT_FOUND": (404, 5, "notFound"),
    "ALREADY_EXISTS": (409, 6, "conflict"),
    "ABORTED": (409, 10, "conflict"),
    "CONDITION_NOT_MET": (412, 9, "conditionNotMet"),
    "RESOURCE_EXHAUSTED": (429, 8, "rateLimitExceeded"),
    "INTERNAL": (500, 13, "backendError"),
    "UNIMPLEMENTED": (501, 12, "notImplemented"),
    "UNAVAILABLE": (503, 14, "backendError"),
}
"""Status of an error: its HTTP status, its number in gRPC, its reason in the older APIs."""


_CLIENT = "projects/764086051850"
"""The project of the client by which gcloud signs people in."""


class GoogleError(Exception):
    """An answer that is an error; `status` is a key of the table above. A `reason` is more than the status tells."""

    def __init__(self, status: str, message: str, *details: dict[str, Any], reason: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.details = status, message, details
        self.http, self.code, usual = STATUSES[status]
        self.reason = reason or usual

    def body(self) -> dict[str, Any]:
        """What HTTP answers."""
        error: dict[str, Any] = {"code": self.http, "message": self.message, "status": self.status}
        error["errors"] = [{"message": self.message, "domain": "global", "reason": self.reason}]
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}

    def oauth_body(self) -> dict[str, str]:
        """What the token exchange answers, in OAuth's shape (RFC 6749, 5.2)."""
        name = {401: "unauthorized_client", 400: "invalid_grant"}.get(self.http, "temporarily_unavailable")
        return {"error": name, "error_description": self.message}

    def as_status(self) -> dict[str, Any]:
        """`google.rpc.Status`, as an operation carries it."""
        return {"code": self.code, "message": self.message, "details": list(self.details)}


def by_http() -> dict[int, str]:
    """The status that an HTTP number stands for in a fault that was asked for."""
    return {http: name for name, (http, _, _) in reversed(STATUSES.items())}


def invalid(message: str) -> GoogleError:
    """400: the request can never succeed."""
    return GoogleError("INVALID_ARGUMENT", message)


def bad_field(field: str, description: str, message: str | None = None) -> GoogleError:
    """400 that names a field, with `google.rpc.BadRequest`."""
    violation = {"field": field, "description": description}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return GoogleError("INVALID_ARGUMENT", message or f"{field}: {description}", detail)


def not_found(what: str) -> GoogleError:
    """404."""
    return GoogleError("NOT_FOUND", f"Requested entity was not found: {what}")


def exists(what: str) -> GoogleError:
    """409: the name is taken."""
    return GoogleError("ALREADY_EXISTS", f"Resource '{what}' already exists.")


def aborted(what: str) -> GoogleError:
    """409: somebody else changed it since it was read."""
    return GoogleError("ABORTED", f"Conflict for resource '{what}': the etag is not the current one.")


def without_quota_project(service: str) -> GoogleError:
    """403: a person's credentials do not say which project's quota a call uses."""
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": service, "consumer": _CLIENT},
    }
    message = (
        f"Your application is authenticating by using local Application Default Credentials. The {service} API "
        "requires a quota project, which is not set by default. To learn how to set your quota project, see "
        "https://cloud.google.com/docs/authentication/adc-troubleshooting/user-creds ."
    )
    return GoogleError("PERMISSION_DENIED", message, detail)


def disabled(service: str, title: str, project: str) -> GoogleError:
    """403: the project has not enabled that API."""
    console = f"https://console.developers.google.com/apis/api/{service}/overview?project={project}"
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": service, "consumer": f"projects/{project}", "activationUrl": console},
    }
    message = (
        f"{title} has not been used in project {project} before or it is disabled. Enable it by visiting {console} "
        "then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems "
        "and retry."
    )
    return GoogleError("PERMISSION_DENIED", message, detail)
