"""Which revision a request goes to, and who may call: as the local Google describes it, from one deploy to the next."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .description import Service, Target, services
from .instances import Instances, Machine
from .invokers import refusal

_LOOK_S = 0.05


@dataclass
class Routing:
    """The services that have an address here, and their revisions at work.

    `ports` are by name: SERVICE, and TAG---SERVICE for what a tag gives an address of its own.
    """

    machine: Machine
    ports: Mapping[str, int]
    services: dict[str, Service] = field(default_factory=dict)
    at_work: dict[tuple[str, str], Instances] = field(default_factory=dict)
    """By service and revision."""

    def place(self, port: int) -> tuple[Service, Instances] | None:
        """What a request to a port goes to; None where nothing is served."""
        name = next(name for name, each in self.ports.items() if each == port)
        tag, _, service_id = name.rpartition("---")
        service = self.services.get(service_id)
        if service is None:
            return None
        targets = [one for one in service.targets if (one.tag == tag if tag else one.percent)]
        if not targets:
            return None
        [target] = random.choices(targets, [one.percent or 1 for one in targets])
        return service, self._serving(service, target)

    def refusal(self, service: Service, authorization: str) -> int | None:
        """The status for whom the service does not let in, None for whom it does."""
        audiences = [
            f"http://127.0.0.1:{port}" for name, port in self.ports.items() if name.rpartition("---")[2] == service.id
        ]
        return refusal(self.machine.store, service, audiences, authorization)

    async def follow(self, state: Path) -> None:
        """Do what is deployed, as it is deployed; never returns."""
        watched = sqlite3.connect(state)
        try:
            seen = -1
            while True:
                # SQLite's own word for "somebody else has changed something".
                [version] = watched.execute("PRAGMA data_version").fetchone()
                if version != seen:
                    seen = version
                    await self.look()
                await asyncio.sleep(_LOOK_S)
        finally:
            watched.close()

    async def look(self) -> None:
        """Take in what is deployed now."""
        found = {one.id: one for one in services(self.machine.store) if one.id in self.ports}
        # By uid: a service that was deleted and made again may have revisions of the same names.
        deployed = {revision.uid for service in found.values() for revision in service.revisions}
        gone = [key for key, one in self.at_work.items() if one.revision.uid not in deployed]
        closing = [self.at_work.pop(key) for key in gone]
        self.services = found
        for service in found.values():
            for revision in service.revisions:
                if known := self.at_work.get((service.id, revision.name)):
                    known.scaler.limits = self.machine.limits(revision)  # of its service, they may have changed
                else:
                    made = self.at_work[service.id, revision.name] = Instances(self.machine, service, revision)
                    if revision == service.revisions[-1]:
                        made.deploy()
        self.share()
        # The last thing, as it takes a while: whoever calls meanwhile is to find what is deployed now.
        await asyncio.gather(*(one.close() for one in closing))

    def share(self) -> None:
        """Tell each revision whether it gets traffic."""
        for service in self.services.values():
            serving = [self._serving(service, one) for one in service.targets if one.percent or one.tag]
            for revision in service.revisions:
                instances = self.at_work[service.id, revision.name]
                instances.receive_traffic(any(instances is one for one in serving))

    async def close(self) -> None:
        """End all instances."""
        await asyncio.gather(*(one.close() for one in self.at_work.values()))

    def _serving(self, service: Service, target: Target) -> Instances:
        """The revision of a target. The newest takes over from the one before when it was seen to start."""
        if target.revision:
            return self.at_work[service.id, target.revision]
        ordered = [self.at_work[service.id, one.name] for one in service.revisions]
        return next((one for one in reversed(ordered) if one.ready), ordered[-1])
