"""Every error a caller can meet: one table, one exception.

The codes are part of the interface: clients branch on them, so a code never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """Stable, machine-readable names of what went wrong."""

    INVALID_API_KEY = "invalid_api_key"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    UNSUPPORTED_CONTENT_TYPE = "unsupported_content_type"
    INVALID_BODY = "invalid_body"
    MISSING_PARAMETER = "missing_parameter"
    INVALID_PARAMETER = "invalid_parameter"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    MODEL_NOT_FOUND = "model_not_found"
    UNSUPPORTED_TASK = "unsupported_task"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    EMPTY_FILE = "empty_file"
    INVALID_AUDIO = "invalid_audio"
    TRUNCATED_AUDIO = "truncated_audio"
    EMPTY_AUDIO = "empty_audio"
    NON_FINITE_AUDIO = "non_finite_audio"
    AUDIO_TOO_LONG = "audio_too_long"
    UPLOAD_TOO_LARGE = "upload_too_large"
    QUEUE_FULL = "queue_full"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    MODEL_LOAD_FAILED = "model_load_failed"
    SHUTTING_DOWN = "shutting_down"
    INTERNAL_ERROR = "internal_error"


_STATUS: Mapping[Code, int] = {
    Code.INVALID_API_KEY: 401,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.MODEL_NOT_FOUND: 404,
    Code.UPLOAD_TOO_LARGE: 413,
    Code.UNSUPPORTED_CONTENT_TYPE: 415,
    Code.QUEUE_FULL: 429,
    Code.INTERNAL_ERROR: 500,
    Code.MODEL_LOAD_FAILED: 503,
    Code.SHUTTING_DOWN: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
"""HTTP status per code; 400 where none is named."""

_TYPE: Mapping[int, str] = {401: "authentication_error", 429: "rate_limit_error"}


class ServiceError(Exception):
    """A failure that is told to the caller in OpenAI's shape.

    `message` says what happened and what to do about it; `param` names the request's field at fault;
    `retry_after_s` is when trying again is worth it, in whole seconds.
    """

    def __init__(self, code: Code, message: str, param: str | None = None, retry_after_s: int | None = None) -> None:
        # All arguments go to Exception, so that the error survives the way back from a worker process.
        super().__init__(code, message, param, retry_after_s)
        self.code = code
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return self.message

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        return _STATUS.get(self.code, 400)

    def body(self) -> dict[str, object]:
        """OpenAI's error object: https://platform.openai.com/docs/guides/error-codes/api-errors."""
        kind = _TYPE.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": str(self.code)}}


def model_failed() -> ServiceError:
    """A defect in answering one request; whoever caught it logs what it was."""
    return ServiceError(Code.INTERNAL_ERROR, "The model failed on this request.")


def shutting_down() -> ServiceError:
    """The instance ends, as it may at any time."""
    return ServiceError(
        Code.SHUTTING_DOWN,
        "This instance is ending before the answer is whole. Send it again; another one will take it.",
    )


class StartupError(Exception):
    """The service cannot serve with these settings or this model; the message says what to change."""
