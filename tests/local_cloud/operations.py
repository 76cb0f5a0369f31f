"""Long-running operations (https://google.aip.dev/151): not done in the first answer, done when it is time."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from .call import Call, now
from .errors import GoogleError, not_found
from .store import Json


def is_operation(schema: Json | None) -> bool:
    """Whether a method answers with one."""
    return schema is not None and {"name", "done", "response"} <= set(schema.get("properties", {}))


def start(call: Call, parent: str, response: Json, effect: Callable[[], Any] | None = None) -> Json:
    """Begin an operation that ends in `response`; its `effect` is there at once unless it is to fail.

    A fault `{"operation": {"status": ..., "message": ...}}` lets it fail, `{"operation": {"seconds": n}}` last.
    """
    asked = call.fault.get("operation", {})
    name = f"{parent}/operations/{uuid.uuid4()}" if parent else f"operations/acf.{uuid.uuid4()}"
    metadata = {"@type": f"type.googleapis.com/google.{call.method.api.host.split('.')[0]}.OperationMetadata"}
    running: Json = {"name": name, "metadata": {**metadata, "createTime": now()}, "done": False}
    if "status" in asked:
        error = GoogleError(asked["status"], asked.get("message", "The operation failed, as was asked for."))
        ended = {**running, "done": True, "error": error.as_status()}
    else:
        if effect:
            effect()
        ended = {**running, "done": True, "response": response}
    call.store.put_operation(call.full(name), ended, time.time() + asked.get("seconds", 0))
    return running


def get(call: Call) -> Json:
    """An operation as it is now."""
    found = call.store.operation(call.full())
    if found is None:
        raise not_found(call.name)
    body, ready = found
    if time.time() < ready:
        return {name: value for name, value in body.items() if name not in ("response", "error")} | {"done": False}
    return body
