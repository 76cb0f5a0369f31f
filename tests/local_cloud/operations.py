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
    name = f"{parent}/operations/{uuid.uuid4()}" if parent else f"operations/acf.{uuid.uuid4()}"
    metadata = {"@type": f"type.googleapis.com/google.{call.method.api.host.split('.')[0]}.OperationMetadata"}
    running: Json = {"name": name, "metadata": {**metadata, "createTime": now()}, "done": False}
    error = take_effect(call, effect)
    ending = {"error": error.as_status()} if error else {"response": response}
    remember(call, name, {**running, "done": True, **ending})
    return running


def take_effect(call: Call, effect: Callable[[], Any] | None) -> GoogleError | None:
    """Let an operation do what it does, or not, where a fault gives the error that it ends in."""
    asked = call.fault.get("operation", {})
    if "status" in asked:
        return GoogleError(asked["status"], asked.get("message", "The operation failed, as was asked for."))
    if effect:
        effect()
    return None


def remember(call: Call, name: str, ended: Json) -> None:
    """Keep an operation as it is from the time on that a fault gives it, or from now on."""
    call.store.put_operation(call.full(name), ended, time.time() + call.fault.get("operation", {}).get("seconds", 0))


def found(call: Call) -> tuple[Json, bool]:
    """An operation as it is in the end, and whether it is there yet.

    Raises:
        GoogleError: 404.
    """
    kept = call.store.operation(call.full())
    if kept is None:
        raise not_found(call.name)
    return kept[0], time.time() >= kept[1]


def get(call: Call) -> Json:
    """An operation as it is now."""
    body, ended = found(call)
    return body if ended else {name: body[name] for name in ("name", "metadata")} | {"done": False}
