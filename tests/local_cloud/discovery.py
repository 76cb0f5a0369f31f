"""Google's discovery documents, as `google-api-python-client` carries them: methods, their parameters and schemas.

Their format: https://developers.google.com/discovery/v1/reference/apis
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, eq=False)
class Api:
    """One document, such as `run.v2`."""

    name: str
    document: dict[str, Any]

    @property
    def host(self) -> str:
        """`run.googleapis.com`."""
        return str(self.document["rootUrl"]).removeprefix("https://").rstrip("/")

    @property
    def title(self) -> str:
        """`Cloud Run Admin API`."""
        return str(self.document["title"])

    def schema(self, name: str) -> dict[str, Any]:
        """A schema by its name."""
        found: dict[str, Any] = self.document["schemas"][name]
        return found

    @cached_property
    def methods(self) -> dict[str, Method]:
        """Every method by its id."""
        return {entry["id"]: Method(self, entry) for entry in _entries(self.document)}


@dataclass(frozen=True, eq=False)
class Method:
    """One method, such as `run.projects.locations.services.create`."""

    api: Api
    entry: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id in Google's document."""
        return str(self.entry["id"])

    @property
    def verb(self) -> str:
        """The HTTP method."""
        return str(self.entry["httpMethod"])

    @cached_property
    def paths(self) -> list[re.Pattern[str]]:
        """What paths mean it: its own, and those for uploads."""
        own = [str(self.api.document["servicePath"]) + str(self.entry["path"])]
        uploads = self.entry.get("mediaUpload", {}).get("protocols", {}).values()
        return [self._pattern(path) for path in own + [upload["path"].lstrip("/") for upload in uploads]]

    def _pattern(self, path: str) -> re.Pattern[str]:
        def group(match: re.Match[str]) -> str:
            name = match[2]
            within = self.entry["parameters"][name].get("pattern") if match[1] else None
            return f"(?P<{name}>{within.strip('^$') if within else '.+' if match[1] else '[^/]+'})"

        literal = re.sub(r"[.$]", r"\\\g<0>", path)
        return re.compile(re.sub(r"\{(\+?)(\w+)\}", group, literal))

    def schema(self, side: str) -> dict[str, Any] | None:
        """The schema of its `request` or `response`, if it has one."""
        return self.api.schema(self.entry[side]["$ref"]) if side in self.entry else None

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """What it takes in path and query, with what every method of the API takes."""
        return {**self.api.document.get("parameters", {}), **self.entry.get("parameters", {})}


@cache
def api(name: str) -> Api:
    """A document by its name and version, such as `run.v2`."""
    document = files("googleapiclient") / "discovery_cache" / "documents" / f"{name}.json"
    return Api(name, json.loads(document.read_text(encoding="utf-8")))


@cache
def hosts() -> frozenset[str]:
    """The hosts of all APIs that have a document; their index lacks some, and a few are not named after it."""
    documents = files("googleapiclient") / "discovery_cache/documents"
    index = json.loads((documents / "index.json").read_text(encoding="utf-8"))
    named = {f"{document.name.partition('.')[0]}.googleapis.com" for document in documents.iterdir()}
    return frozenset(named | {item["discoveryRestUrl"].split("/")[2] for item in index["items"]})


def _entries(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node.get("methods", {}).values()
    for inner in node.get("resources", {}).values():
        yield from _entries(inner)
