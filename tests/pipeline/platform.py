"""What the local cloud only describes: its Cloud Run service answers by real processes, its Hosting site by its files.

Each revision is a process of `python -m kikitori` with the revision's environment, started by the first connection. The
engine is whisper, because there is no GPU here.
"""

from __future__ import annotations

import asyncio
import fnmatch
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.local_cloud.call import Cloud, Project
from tests.local_cloud.services import hosting
from tests.local_cloud.store import Json, Store
from tests.processes import free_port, running_service, serving

_RUN, _SECRETS = "run.googleapis.com", "secretmanager.googleapis.com"
_NOT_HERE = ("KIKITORI_MODEL", "KIKITORI_HOST", "KIKITORI_ENGINE")


@dataclass
class Platform:
    """One service and one site, at addresses of their own from the beginning."""

    service: str
    site: str
    state: Path
    logs: Path
    ports: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _processes: dict[str, int] = field(default_factory=dict)
    _ending: ExitStack = field(default_factory=ExitStack)

    @property
    def addresses(self) -> dict[str, str]:
        """What the local cloud is to give out."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer at all addresses."""
        loop = asyncio.new_event_loop()
        page = Starlette(routes=[Route("/{path:path}", self._file)])
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            with self._ending, serving(page, self.ports[self.site]):
                for name in (self.service, f"newest---{self.service}"):
                    asyncio.run_coroutine_threadsafe(self._listen(name), loop).result()
                yield
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    async def _listen(self, name: str) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            port = await asyncio.to_thread(self._port, name)
            theirs, to_them = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pass(reader, to_them), _pass(theirs, writer))

        await asyncio.start_server(connected, "127.0.0.1", self.ports[name])

    def _port(self, name: str) -> int:
        """Where the process of the revision listens that serves under a name."""
        with self._lock:
            store = Store(self.state)
            try:
                revision = self._revision(store, name)
                if revision["name"] not in self._processes:
                    port = free_port()
                    settings = _settings(store, revision)
                    self._ending.enter_context(running_service(self.logs, port, **settings))
                    self._processes[revision["name"]] = port
            finally:
                store.close()
            return self._processes[revision["name"]]

    def _revision(self, store: Store, name: str) -> Json:
        place = f"{_RUN}/projects/{Project.id}/locations/asia-southeast1/services/{self.service}"
        found = store.get(place)
        assert found, f"{name} was called, and there is no service"
        tag = name.removesuffix(self.service).removesuffix("---")
        targets = [t for t in found.body["traffic"] if (t.get("tag") == tag if tag else t.get("percent") == 100)]
        newest: str = found.body["latestReadyRevision"].rpartition("/")[2]
        revision = store.get(f"{place}/revisions/{targets[0].get('revision') or newest}")
        assert revision
        return revision.body

    def _file(self, request: Request) -> Response:
        """A file of the released version, with the headers of its configuration."""
        store = Store(self.state)
        try:
            cloud = Cloud(store, Project(), "")
            files, version = hosting.released(cloud, self.site), hosting.served(cloud, self.site)
        finally:
            store.close()
        path = request.url.path + ("index.html" if request.url.path.endswith("/") else "")
        if path not in files:
            return Response("Not found", 404)
        headers: dict[str, str] = {}
        for rule in version.get("config", {}).get("headers", []):
            if fnmatch.fnmatch(path, rule["glob"]):
                headers |= rule["headers"]
        return Response(files[path], headers=headers, media_type=mimetypes.guess_type(path)[0])


@contextmanager
def platform(service: str, site: str, folder: Path) -> Iterator[Platform]:
    """One that answers, for a local cloud with its state in the folder."""
    ports = {name: free_port() for name in (service, f"newest---{service}", site)}
    here = Platform(service, site, folder / "state.sqlite3", folder, ports)
    with here.serving():
        yield here


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def _settings(store: Store, revision: Json) -> dict[str, str]:
    """The environment of a revision's container, as `running_service` takes it."""
    settings = {"ENGINE": "whisper", "HOST": "127.0.0.1"}
    for variable in revision["containers"][0]["env"]:
        if variable["name"] in _NOT_HERE or not variable["name"].startswith("KIKITORI_"):
            continue
        value = variable.get("value", "")
        if source := variable.get("valueSource"):
            value = _secret(store, source["secretKeyRef"]["secret"])
        settings[variable["name"].removeprefix("KIKITORI_")] = value
    return settings


def _secret(store: Store, name: str) -> str:
    name = name.rpartition("/")[2]
    versions = store.children(f"{_SECRETS}/projects/{Project.id}/secrets/{name}/versions")
    return (store.content(versions[-1].name) or b"").decode()
