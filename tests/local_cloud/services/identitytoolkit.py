"""Identity Platform: who may sign in. It can be enabled, and never disabled again."""

from __future__ import annotations

from tests.local_cloud.call import Call
from tests.local_cloud.errors import bad_field, invalid, not_found
from tests.local_cloud.masks import masked
from tests.local_cloud.resources import Change, Collection, live
from tests.local_cloud.store import Json

HOST = "identitytoolkit.googleapis.com"


def _initialize(call: Call) -> Json:
    project = call.cloud.project
    name = f"projects/{project.id}/config"
    if call.store.get(call.full(name)):
        raise invalid("INVALID_PROJECT_ID : Identity Platform has already been enabled for this project.")
    body = {
        "name": f"projects/{project.number}/config",
        "signIn": {"allowDuplicateEmails": False, "email": {"enabled": False}, "anonymous": {"enabled": False}},
        "authorizedDomains": ["localhost", f"{project.id}.firebaseapp.com", f"{project.id}.web.app"],
        "client": {"apiKey": f"AIza{project.number:0>35}", "firebaseSubdomain": project.id, "permissions": {}},
        "subtype": "IDENTITY_PLATFORM",
        "autodeleteAnonymousUsers": False,
        "mfa": {"state": "DISABLED"},
        "multiTenant": {},
        "monitoring": {"requestLogging": {}},
        "blockingFunctions": {},
        "quota": {},
        "smsRegionConfig": {},
    }
    call.store.put(call.full(name), body)
    return {}


def _get(call: Call) -> Json:
    return live(call).body


def _update(call: Call) -> Json:
    entity = live(call)
    body = entity.body | call.body
    if mask := call.query.get("updateMask"):
        body = masked(call.method.api, call.method.schema("request") or {}, entity.body, call.body, mask)
    for domain in body.get("authorizedDomains", []):
        if "/" in domain or ":" in domain:
            raise bad_field("config.authorized_domains", f"'{domain}' is not a domain")
    call.store.put(entity.name, body)
    return body


def _check_provider(change: Change) -> None:
    if change.call.store.get(f"{HOST}/projects/{change.call.cloud.project.id}/config") is None:
        raise not_found("CONFIGURATION_NOT_FOUND")
    for name in ("clientId", "clientSecret"):
        if change.body.get("enabled") and not change.body.get(name):
            raise bad_field(name, "Required field is missing", f"INVALID_CONFIG : {name} is required.")


_PROVIDERS = Collection(
    "identitytoolkit.v2",
    "projects.defaultSupportedIdpConfigs",
    "create get patch delete",
    id="idpId",
    pattern=r"(google|facebook|apple|github|microsoft|twitter|yahoo|linkedin|gc|playgames)\.(com|apple\.com)",
    numbered=True,
    check=_check_provider,
)

METHODS = {
    "identitytoolkit.v2": {
        "identitytoolkit.projects.identityPlatform.initializeAuth": _initialize,
        "identitytoolkit.projects.getConfig": _get,
        "identitytoolkit.projects.updateConfig": _update,
        **_PROVIDERS.methods(),
    }
}
