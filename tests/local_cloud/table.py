"""Which methods exist: those that something calls. Anything else that Google documents is answered with 501."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .discovery import Method, api
from .errors import GoogleError
from .resources import Handler
from .services import MODULES


@dataclass(frozen=True)
class Table:
    """The methods by id, and the documents that they are in."""

    handlers: Mapping[str, Handler]
    methods: Mapping[str, list[Method]]
    apis: Mapping[str, list[str]]

    def known(self) -> list[Method]:
        """Every method that there is."""
        return [method for methods in self.methods.values() for method in methods]

    def handler(self, method: Method) -> Handler:
        """What answers a method.

        Raises:
            GoogleError: 501, nothing does.
        """
        found = self.handlers.get(f"{method.api.name}/{method.id}")
        if found is None:
            raise GoogleError("UNIMPLEMENTED", f"The local cloud does not have {method.id}.")
        return found

    def find(self, host: str, verb: str, path: str) -> tuple[Method, dict[str, str | None]] | None:
        """The method that a request means, and the parameters in its path; one of this table before any other."""
        everything = [method for name in self.apis.get(host, []) for method in api(name).methods.values()]
        for methods in (self.methods.get(host, []), everything):
            for method in methods:
                for pattern in method.paths if method.verb == verb else ():
                    if match := pattern.fullmatch(path):
                        return method, match.groupdict()
        return None


def table() -> Table:
    """The rows of every service."""
    handlers: dict[str, Handler] = {}
    methods: dict[str, list[Method]] = {}
    apis: dict[str, list[str]] = {}
    for module in MODULES:
        for name, rows in module.METHODS.items():
            document = api(name)
            apis[document.host] = [*{*apis.get(document.host, []), name}]
            for method_id, handler in rows.items():
                method = document.methods[method_id]
                methods.setdefault(document.host, []).append(method)
                handlers[f"{name}/{method_id}"] = handler
    for rows_of_host in methods.values():
        # A name may have a colon in it: what ends in `:verb` is looked for first.
        rows_of_host.sort(key=lambda method: ":" not in str(method.entry["path"]))
    return Table(handlers, methods, apis)
