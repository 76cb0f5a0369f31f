"""Firebase: a project that Firebase was added to, its web apps, and App Check."""

from __future__ import annotations

import secrets
from functools import partial

from tests.local_cloud import operations
from tests.local_cloud.call import Call, new_etag, now
from tests.local_cloud.errors import bad_field, exists, not_found
from tests.local_cloud.masks import masked
from tests.local_cloud.resources import Collection, live
from tests.local_cloud.store import Json

HOST = "firebase.googleapis.com"
_TYPE = "type.googleapis.com/google.firebase.v1beta1"


def _added(call: Call) -> Json:
    found = call.store.get(f"{HOST}/projects/{call.part('projects')}")
    if found is None:
        raise not_found(f"Firebase project {call.part('projects')}")
    return found.body


def _add(call: Call) -> Json:
    """Cannot be undone, so there is no method that would."""
    project = call.cloud.project
    name = f"projects/{project.id}"
    if call.store.get(call.full(name)):
        raise exists(name)
    body = {
        "name": name,
        "projectId": project.id,
        "projectNumber": project.number,
        "displayName": project.id,
        "state": "ACTIVE",
        "resources": {"hostingSite": project.id},
        "etag": new_etag(),
    }
    response = {"@type": f"{_TYPE}.FirebaseProject", **body}
    site = {"name": f"{name}/sites/{project.id}", "defaultUrl": f"https://{project.id}.web.app", "type": "DEFAULT_SITE"}

    def effect() -> None:
        call.store.put(call.full(name), body)
        call.store.put(f"firebasehosting.googleapis.com/{name}/sites/{project.id}", site)

    return operations.start(call, "", response, effect)


def _web_app(call: Call) -> Json:
    _added(call)
    project = call.cloud.project
    app_id = f"1:{project.number}:web:{secrets.token_hex(11)}"
    name = f"projects/{project.id}/webApps/{app_id}"
    body = {
        **call.body,
        "name": name,
        "appId": app_id,
        "projectId": project.id,
        "webId": secrets.token_hex(8),
        "apiKeyId": call.body.get("apiKeyId", f"{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}"),
        "state": "ACTIVE",
        "etag": new_etag(),
    }
    return operations.start(
        call, "", {"@type": f"{_TYPE}.WebApp", **body}, partial(call.store.put, call.full(name), body)
    )


def _remove(call: Call) -> Json:
    entity = live(call)
    if call.body.get("immediate"):
        effect = partial(call.store.remove, entity.name)
    else:
        gone = {**entity.body, "state": "DELETED", "expireTime": now(30 * 24 * 3600)}
        effect = partial(call.store.put, entity.name, gone, deleted=True)
    return operations.start(call, "", {"@type": "type.googleapis.com/google.protobuf.Empty"}, effect)


def _config(call: Call) -> Json:
    app = live(call, call.name.removesuffix("/config")).body
    project = call.cloud.project
    return {
        "projectId": project.id,
        "projectNumber": project.number,
        "appId": app["appId"],
        "apiKey": f"AIza{project.number:0>12}{app['webId']:0>19}"[:39],
        "authDomain": f"{project.id}.firebaseapp.com",
        "storageBucket": f"{project.id}.firebasestorage.app",
        "messagingSenderId": project.number,
    }


_WEB_APPS = Collection("firebase.v1beta1", "projects.webApps", "get patch", etag=True)


def _enforce(call: Call) -> Json:
    """App Check of one of Google's services: there from the start, and off."""
    service = call.name.rpartition("/")[2]
    if service not in ("identitytoolkit.googleapis.com", "firestore.googleapis.com", "firebasestorage.googleapis.com"):
        raise bad_field("service.name", f"App Check does not protect {service}")
    entity = call.store.get(call.full())
    body = entity.body if entity else {"enforcementMode": "OFF"}
    if call.method.verb == "PATCH":
        body = _updated(call, body)
        call.store.put(call.full(), {**body, "updateTime": now()})
    return {**body, "name": call.cloud.by_number(call.name)}


def _updated(call: Call, body: Json) -> Json:
    mask = call.query.get("updateMask")
    if not mask:
        raise bad_field("update_mask", "Required field is missing")
    return masked(call.method.api, call.method.schema("request") or {}, body, call.body, mask)


def _recaptcha(call: Call) -> Json:
    """The attestation of a web app; it exists as soon as the app does."""
    app = call.part("apps")
    live_app = call.store.get(f"{HOST}/projects/{call.cloud.project.id}/webApps/{app}")
    if live_app is None or live_app.deleted:
        raise not_found(f"App {app}")
    entity = call.store.get(call.full())
    body = entity.body if entity else {"tokenTtl": "3600s"}
    if call.method.verb == "PATCH":
        body = _updated(call, body)
        seconds = float(body.get("tokenTtl", "3600s")[:-1])
        if not 1800 <= seconds <= 7 * 24 * 3600:
            raise bad_field("recaptcha_enterprise_config.token_ttl", "Must be from 30 minutes to 7 days")
        if not body.get("siteKey"):
            raise bad_field("recaptcha_enterprise_config.site_key", "Required field is missing")
        call.store.put(call.full(), body)
    return {**body, "name": call.cloud.by_number(call.name)}


METHODS = {
    "firebase.v1beta1": {
        "firebase.projects.get": _added,
        "firebase.projects.addFirebase": _add,
        "firebase.projects.webApps.create": _web_app,
        "firebase.projects.webApps.remove": _remove,
        "firebase.projects.webApps.getConfig": _config,
        **_WEB_APPS.methods(),
        "firebase.operations.get": operations.get,
    },
    "firebaseappcheck.v1": {
        "firebaseappcheck.projects.services.get": _enforce,
        "firebaseappcheck.projects.services.patch": _enforce,
        "firebaseappcheck.projects.apps.recaptchaEnterpriseConfig.get": _recaptcha,
        "firebaseappcheck.projects.apps.recaptchaEnterpriseConfig.patch": _recaptcha,
    },
}
