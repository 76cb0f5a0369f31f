"""The page as static hosting serves it: the built files, the headers of `web/headers.json` and a `config.json`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kikitori.api.models import model_entry
from kikitori.engines import build_engine
from kikitori.engines.protocol import Description
from kikitori.settings import Settings, variable
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ACCESS = ("auth", "api_keys", "firebase_project", "allowed_users")
_WEB = Path(__file__).parent.parent / "web"


class _Headers:
    """Adds headers to every response."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def page_config(service: str, settings: Settings, description: Description) -> dict[str, object]:
    """The `config.json` of a deployment whose service has the origin `service`."""
    return {"service": service, "auth": settings.auth, "model": model_entry(description, settings)}


def hosting(config: Mapping[str, Any]) -> dict[str, str]:
    """The headers that static hosting sends with the page of such a `config.json`, by name."""
    script, connect, frame, opener = ["'self'"], ["'self'", config["service"]], ["'none'"], "same-origin"
    if config.get("typed_service"):
        connect += ["http://127.0.0.1:*", "http://localhost:*"]
    if config["auth"] == "firebase":
        # What signing in with Google in a window of its own needs: https://firebase.google.com/docs/auth/web/google-signin
        script += ["https://apis.google.com"]
        connect += ["https://identitytoolkit.googleapis.com", "https://securetoken.googleapis.com"]
        frame = [f"https://{config['firebase']['authDomain']}"]
        opener = "same-origin-allow-popups"
    fillings = {"script": script, "connect": connect, "frame": frame, "opener": [opener]}
    headers = {}
    for header in json.loads((_WEB / "headers.json").read_text(encoding="utf-8")):
        value: str = header["value"]
        for name, sources in fillings.items():
            value = value.replace(f"{{{name}}}", " ".join(sources))
        headers[header["key"]] = value
    return headers


def deployed_config(page: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The `config.json` of a deployment.

    Args:
        page: what Terraform decides of it, its output `page_config`: the service's address and how one signs in.
        environment: the service's settings by variable, its output `environment`; the model and its limits follow.
    """
    # Whom it lets in is the page's part; the keys themselves are known to the service alone.
    fields = {name: variable(name) for name in Settings.model_fields if name not in _ACCESS}
    values: Any = {name: environment[key] for name, key in fields.items() if key in environment}
    settings = Settings(**values)
    return {**page_config(page["service"], settings, build_engine(settings).description), **page}


def write_site(folder: Path, site: str, config: Mapping[str, Any], built: Path = _WEB / "dist") -> None:
    """Write what firebase-tools deploys: the built page with its `config.json`, and a `firebase.json` beside it."""
    public = folder / "public"
    shutil.copytree(built, public)
    (public / "config.json").write_text(json.dumps(config), encoding="utf-8")
    rules = [
        {"source": "**", "headers": _pairs(hosting(config) | {"Cache-Control": "no-cache"})},
        # Their names change with their contents.
        {"source": "/assets/**", "headers": _pairs({"Cache-Control": "public, max-age=31536000, immutable"})},
    ]
    described = {"hosting": {"site": site, "public": public.name, "headers": rules}}
    (folder / "firebase.json").write_text(json.dumps(described, indent=2), encoding="utf-8")


def _pairs(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in headers.items()]


def page_app(config: Mapping[str, Any], built: Path = _WEB / "dist") -> Starlette:
    """The built page with this `config.json`, compressed and with its headers."""

    async def send_config(_: Request) -> Response:
        return JSONResponse(config)

    return Starlette(
        routes=[Route("/config.json", send_config), Mount("/", StaticFiles(directory=built, html=True))],
        middleware=[Middleware(_Headers, headers=hosting(config)), Middleware(GZipMiddleware)],
    )
