"""What most of Google's resources have in common: https://google.aip.dev/121 and the standard methods it names.

A `Collection` is a row: which methods exist, where an id comes from, what is refused and what the server fills in.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from . import operations, policies
from .call import Call, new_etag, now
from .discovery import api
from .errors import aborted, bad_field, exists, invalid, not_found
from .masks import immutable, masked, replaced, value_at
from .paging import paged
from .store import Entity, Json

Handler = Callable[[Call], Any]


@dataclass
class Change:
    """A resource as it would be after a call, and as it was before it (None: it is new)."""

    call: Call
    name: str
    body: Json
    before: Json | None = None

    @property
    def id(self) -> str:
        """What stands in its name after the collection's; a metric's may have slashes."""
        return self.name.partition(f"/{self.call.method.id.split('.')[-2]}/")[2]


def _nothing(_: Change) -> None:
    pass


@dataclass(frozen=True)
class Collection:
    """A kind of resource. `id` is the query parameter or, with a leading dot, the body's field that names a new one;
    a function gives ids that the server chooses; "" means that the path of creation has it."""

    api: str
    path: str
    verbs: str
    id: str | Callable[[Call], str] = ""
    pattern: str = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
    required: tuple[str, ...] = ()
    immutable: tuple[str, ...] = ()
    check: Callable[[Change], None] = _nothing
    fill: Callable[[Change], None] = _nothing
    etag: bool = False
    numbered: bool = False
    soft_delete: bool = False
    mask: str = "optional"
    """Whether an update needs a mask: `optional` (none: what is given), `required`, or `replace` (none: everything)."""
    operations_at: str = "location"
    """What an operation's name starts with: the `location`, the `resource`, or nothing."""

    def methods(self) -> dict[str, Handler]:
        """Its methods by their ids."""
        prefix = f"{self.api.split('.')[0]}.{self.path}"
        return {f"{prefix}.{verb}": partial(_VERBS[verb], self) for verb in self.verbs.split()}

    def shown(self, call: Call, body: Json) -> Json:
        """A resource as its API answers it."""
        if self.numbered and "name" in body:
            return {**body, "name": call.cloud.by_number(body["name"])}
        return body


def live(call: Call, name: str | None = None) -> Entity:
    """A resource that is there and not deleted.

    Raises:
        GoogleError: 404.
    """
    entity = call.store.get(call.full(name))
    if entity is None or entity.deleted:
        raise not_found(name or call.name)
    return entity


def _require(collection: Collection, body: Json) -> None:
    for path in collection.required:
        if value_at(body, path) in (None, "", [], {}):
            raise bad_field(path, "Required field is missing.", f"Required field '{path}' is missing.")


def _new_name(collection: Collection, call: Call) -> str:
    if collection.id == "":
        return call.name
    if callable(collection.id):
        return f"{call.name}/{collection.id(call)}"
    place = collection.id
    given = value_at(call.body, place[1:]) if place.startswith(".") else call.query.get(place)
    if not given:
        raise bad_field(place.lstrip("."), "Required field is missing.", f"Required: {place.lstrip('.')}")
    return f"{call.name}/{given}"


def create(collection: Collection, call: Call) -> Any:
    """A new resource: 409 where its name is taken, also by one that is only softly deleted."""
    name = _new_name(collection, call)
    change = Change(call, name, _resource(call))
    if not re.fullmatch(collection.pattern, change.id):
        raise bad_field(
            "name", f"'{change.id}' does not match {collection.pattern}", f"Invalid resource id '{change.id}'."
        )
    _require_parent(collection, change)
    if call.store.get(call.full(name)) is not None:
        raise exists(name)
    _require(collection, change.body)
    return _settle(collection, change)


def _require_parent(collection: Collection, change: Change) -> None:
    """404 where that is missing in which a new resource would lie, if it is a resource itself."""
    above, _, kind = collection.path.rpartition(".")
    parent = change.name.partition(f"/{kind}/")[0]
    if above.rpartition(".")[2] not in ("projects", "locations", "billingAccounts"):
        live(change.call, parent)


def _resource(call: Call) -> Json:
    """The resource in a request: the body, or its one field that is not an id."""
    schema = call.method.schema("request") or {}
    inner = [key for key, of in schema.get("properties", {}).items() if "$ref" in of]
    if schema.get("id", "").endswith("Request") and len(inner) == 1:
        return dict(call.body.get(inner[0], {}))
    return dict(call.body)


def _settle(collection: Collection, change: Change) -> Any:
    """Check a change, let the server fill in its fields, store it, and answer with it or its operation."""
    call, body = change.call, change.body
    of = _resource_schema(collection)
    known = of.get("properties", {})
    collection.check(change)
    if "name" in known and "name" not in (change.before or {}):
        body["name"] = change.name
    if "createTime" in known and change.before is None:
        body["createTime"] = now()
    if "updateTime" in known:
        body["updateTime"] = now()
    collection.fill(change)
    if collection.etag:
        body["etag"] = new_etag()
    if not operations.is_operation(call.method.schema("response")):
        call.store.put(call.full(change.name), body)
        return collection.shown(call, body)
    response = {"@type": _type(collection), **collection.shown(call, body)}
    effect = partial(call.store.put, call.full(change.name), body)
    return operations.start(call, _operations_at(collection, change.name), response, effect)


def _resource_schema(collection: Collection) -> Json:
    """The schema of a collection's resource: what its `get` answers."""
    document = api(collection.api)
    prefix = f"{collection.api.split('.')[0]}.{collection.path}"
    return document.methods[f"{prefix}.get"].schema("response") or {}


def _type(collection: Collection) -> str:
    service, version = collection.api.split(".")
    return f"type.googleapis.com/google.{service}.{version}.{_resource_schema(collection)['id']}"


def _operations_at(collection: Collection, name: str) -> str:
    if collection.operations_at == "resource":
        return name
    found = re.match(r"projects/[^/]+/locations/[^/]+", name)
    return found[0] if found and collection.operations_at == "location" else ""


def get(collection: Collection, call: Call) -> Json:
    """A resource. A softly deleted one is still shown."""
    entity = call.store.get(call.full())
    if entity is None:
        raise not_found(call.name)
    return collection.shown(call, entity.body)


def listed(collection: Collection, call: Call) -> Json:
    """A page of the resources below a name."""
    key = next(name for name, of in (call.method.schema("response") or {})["properties"].items() if "items" in of)
    deleted = call.query.get("showDeleted") == "true"
    found = [entity for entity in _below(call) if deleted or not entity.deleted]
    page, token = paged(call, found)
    answer: Json = {key: [collection.shown(call, entity.body) for entity in page]} if page else {}
    return answer | ({"nextPageToken": token} if token else {})


def _below(call: Call) -> list[Entity]:
    """What is in a collection, or with `-` in those of every parent (https://google.aip.dev/159)."""
    above, every, collection = call.full().partition("/-/")
    if not every:
        return call.store.children(above)
    meant = re.compile(f"{re.escape(above)}/[^/]+/{re.escape(collection)}/[^/]+")
    return [entity for entity in call.store.children(above, deeper=True) if meant.fullmatch(entity.name)]


def patch(collection: Collection, call: Call) -> Any:
    """Change what the mask names. A mask may name a field that the body lacks: it is cleared."""
    entity = live(call)
    new = _resource(call)
    if collection.etag:
        _same_etag(entity, new.get("etag"), call.name)
    wanted = call.query.get("updateMask")
    if call.method.schema("request") != _resource_schema(collection):
        wanted = call.body.get("updateMask", wanted)
    if collection.mask == "required" and not wanted:
        raise bad_field("update_mask", "Required field is missing.", "The update_mask is required.")
    schema = _resource_schema(collection)
    if wanted and wanted != "*":
        body = masked(api(collection.api), schema, entity.body, new, wanted)
    elif collection.mask == "replace" or wanted == "*":
        body = replaced(schema, entity.body, new)
    else:
        body = copy.deepcopy(entity.body) | {name: value for name, value in new.items() if name != "name"}
    for path in (*collection.immutable, *immutable(schema)):
        if value_at(body, path) != value_at(entity.body, path):
            raise bad_field(path, "Field is immutable.", f"Field '{path}' is immutable and cannot be changed.")
    _require(collection, body)
    return _settle(collection, Change(call, call.name, body, entity.body))


def _same_etag(entity: Entity, given: str | None, name: str) -> None:
    if given and given != entity.body["etag"]:
        raise aborted(name)


def delete(collection: Collection, call: Call) -> Any:
    """Delete a resource and what is below it; softly where Google keeps the name for a while."""
    entity = live(call)
    if collection.etag:
        _same_etag(entity, call.query.get("etag"), call.name)
    if collection.soft_delete:
        schema = _resource_schema(collection)["properties"]
        body = {**entity.body, **({"state": "DELETED"} if "state" in schema else {"deleted": True})}
        if "expireTime" in schema:
            body["expireTime"] = now(30 * 24 * 3600)
        effect = partial(call.store.put, call.full(), body, deleted=True)
    else:
        body = entity.body
        effect = partial(call.store.remove, call.full())
    if operations.is_operation(call.method.schema("response")):
        response = {"@type": _type(collection), **collection.shown(call, body)}
        return operations.start(call, _operations_at(collection, call.name), response, effect)
    effect()
    return {}


def undelete(collection: Collection, call: Call) -> Any:
    """Bring a softly deleted resource back."""
    entity = call.store.get(call.full())
    if entity is None:
        raise not_found(call.name)
    if not entity.deleted:
        raise invalid(f"'{call.name}' is not deleted.")
    body = {name: value for name, value in entity.body.items() if name not in ("expireTime", "deleted")}
    if "state" in body:
        body["state"] = "ACTIVE"
    call.store.put(call.full(), body)
    if operations.is_operation(call.method.schema("response")):
        return operations.start(call, _operations_at(collection, call.name), {"@type": _type(collection), **body})
    return body


def _get_policy(_: Collection, call: Call) -> Json:
    live(call)
    return policies.get(call)


def _set_policy(_: Collection, call: Call) -> Json:
    live(call)
    return policies.replace(call)


_VERBS: dict[str, Callable[[Collection, Call], Any]] = {
    "create": create,
    "get": get,
    "list": listed,
    "patch": patch,
    "update": patch,
    "delete": delete,
    "undelete": undelete,
    "getIamPolicy": _get_policy,
    "setIamPolicy": _set_policy,
}
