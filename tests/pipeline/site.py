"""The page's site as the local Hosting has released it: its files, with the headers of their configuration."""

from __future__ import annotations

import fnmatch
import mimetypes
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.local_cloud.call import Cloud, Project
from tests.local_cloud.services import hosting
from tests.local_cloud.store import Store


def site_app(state: Path, name: str) -> Starlette:
    """Serve what is released, of a local cloud with its state in that file."""

    def answer(request: Request) -> Response:
        store = Store(state)
        try:
            cloud = Cloud(store, Project(), "")
            files, version = hosting.released(cloud, name), hosting.served(cloud, name)
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

    return Starlette(routes=[Route("/{path:path}", answer)])
