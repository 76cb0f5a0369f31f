"""IAM: service accounts, Workload Identity pools, and the tokens that these lead to."""

from __future__ import annotations

import re
from functools import partial

from tests.local_cloud import accounts, conditions, operations, policies, tokens
from tests.local_cloud.call import Call, digits
from tests.local_cloud.errors import GoogleError, bad_field, exists, invalid
from tests.local_cloud.resources import Change, Collection, live
from tests.local_cloud.store import Json

HOST = accounts.HOST
_SHARED_ISSUERS = ("https://token.actions.githubusercontent.com", "https://gitlab.com", "https://app.terraform.io")
"""Those that issue tokens to everybody: a condition has to tell whose."""
_LONGEST_NAME, _LONGEST_NAME_OF_POOL, _LONGEST_DESCRIPTION = 100, 32, 256
_MOST_AUDIENCES = 10


def _create_account(call: Call) -> Json:
    project, account = call.part("projects"), call.body.get("accountId", "")
    if not re.fullmatch(r"[a-z]([a-z0-9-]{4,28}[a-z0-9])", account):
        raise bad_field("account_id", "6 to 30 lowercase letters, digits and hyphens, beginning with a letter")
    _check_texts(call.body.get("serviceAccount", {}), "service_account", _LONGEST_NAME)
    email = f"{account}@{project}.iam.gserviceaccount.com"
    name = f"projects/{project}/serviceAccounts/{email}"
    if call.store.get(call.full(name)):
        raise exists(f"Service account {account}")
    unique = digits(21)
    body = {
        **call.body.get("serviceAccount", {}),
        "name": name,
        "projectId": project,
        "uniqueId": unique,
        "email": email,
        "etag": "MDEwMjE5MjA=",
        "oauth2ClientId": unique,
    }
    call.store.put(call.full(name), body)
    return body


def _check_texts(body: Json, where: str, longest_name: int) -> None:
    for field, longest in (("displayName", longest_name), ("description", _LONGEST_DESCRIPTION)):
        if len(body.get(field, "").encode()) > longest:
            raise bad_field(f"{where}.{field}", f"At most {longest} characters are allowed")


def _get_account(call: Call) -> Json:
    return accounts.find(call).body


def _patch_account(call: Call) -> Json:
    entity = accounts.find(call)
    mask = [part.strip() for part in call.body.get("updateMask", "").split(",") if part.strip()]
    if not set(mask) <= {"description", "display_name", "displayName"}:
        raise invalid("The update mask may name display_name and description alone.")
    given = call.body.get("serviceAccount", {})
    _check_texts(given, "service_account", _LONGEST_NAME)
    names = {"display_name": "displayName"}
    changed = {names.get(part, part): given.get(names.get(part, part), "") for part in mask}
    call.store.put(entity.name, entity.body | changed)
    return entity.body | changed


def _set_disabled(call: Call, disabled: bool) -> Json:
    entity = accounts.find(call)
    call.store.put(entity.name, entity.body | {"disabled": disabled})
    return {}


def _delete_account(call: Call) -> Json:
    entity = accounts.find(call)
    call.store.remove(entity.name)
    policies.forget_account(call.store, entity.body["email"], entity.body["uniqueId"])
    return {}


def _account_policy(call: Call) -> Json:
    return policies.get(call, accounts.find(call).body["name"])


def _set_account_policy(call: Call) -> Json:
    return policies.replace(call, accounts.find(call).body["name"])


def _fill_pool(change: Change) -> None:
    change.body.setdefault("state", "ACTIVE")


def _check_pool(change: Change) -> None:
    if change.call.part("locations") != "global":
        raise invalid("Workload identity pools are in the location global alone.")
    if change.id.startswith("gcp-"):
        raise invalid("The prefix gcp- is reserved for use by Google.")
    _check_texts(change.body, "workload_identity_pool", _LONGEST_NAME_OF_POOL)


def _no_rules(call: Call) -> Json:
    """Attestation rules: the providers look for them in every pool."""
    live(call)
    return {}


def _check_provider(change: Change) -> None:
    _check_pool(change)
    body = change.body
    kinds = [kind for kind in ("aws", "oidc", "saml", "x509") if kind in body]
    if len(kinds) != 1:
        raise invalid("A provider needs exactly one of aws, oidc, saml and x509.")
    if kinds != ["oidc"]:
        raise GoogleError("UNIMPLEMENTED", f"The local cloud has no providers of the kind {kinds[0]}.")
    issuer = body["oidc"].get("issuerUri", "")
    if not issuer.startswith("https://"):
        raise bad_field("oidc.issuer_uri", "Must be an https:// address")
    if len(body["oidc"].get("allowedAudiences", [])) > _MOST_AUDIENCES:
        raise bad_field("oidc.allowed_audiences", f"At most {_MOST_AUDIENCES} audiences are allowed")
    if "jwksJson" in body["oidc"]:
        tokens.key_set(body["oidc"]["jwksJson"])
    if "google.subject" not in body.get("attributeMapping", {}):
        raise bad_field("attribute_mapping", "Must map google.subject")
    conditions.check(body)
    if issuer.rstrip("/") in _SHARED_ISSUERS and not conditions.names_claim(body):
        raise invalid(
            "The attribute condition must reference one of the provider's claims. For more information, see "
            "https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions"
        )


def _fill_provider(change: Change) -> None:
    change.body.setdefault("state", "ACTIVE")


_POOLS = Collection(
    "iam.v1",
    "projects.locations.workloadIdentityPools",
    "create get list patch delete undelete",
    id="workloadIdentityPoolId",
    pattern=r"[a-z0-9-]{4,32}",
    mask="required",
    numbered=True,
    soft_delete=True,
    operations_at="resource",
    check=_check_pool,
    fill=_fill_pool,
)
_PROVIDERS = Collection(
    "iam.v1",
    "projects.locations.workloadIdentityPools.providers",
    "create get patch delete",
    id="workloadIdentityPoolProviderId",
    pattern=r"[a-z0-9-]{4,32}",
    mask="required",
    numbered=True,
    soft_delete=True,
    operations_at="resource",
    check=_check_provider,
    fill=_fill_provider,
)

_ACCOUNTS = "iam.projects.serviceAccounts"
_POOL = "iam.projects.locations.workloadIdentityPools"

METHODS = {
    "iam.v1": {
        f"{_ACCOUNTS}.create": _create_account,
        f"{_ACCOUNTS}.get": _get_account,
        f"{_ACCOUNTS}.patch": _patch_account,
        f"{_ACCOUNTS}.enable": partial(_set_disabled, disabled=False),
        f"{_ACCOUNTS}.disable": partial(_set_disabled, disabled=True),
        f"{_ACCOUNTS}.delete": _delete_account,
        f"{_ACCOUNTS}.getIamPolicy": _account_policy,
        f"{_ACCOUNTS}.setIamPolicy": _set_account_policy,
        **_POOLS.methods(),
        **_PROVIDERS.methods(),
        f"{_POOL}.listAttestationRules": _no_rules,
        f"{_POOL}.operations.get": operations.get,
        f"{_POOL}.providers.operations.get": operations.get,
    },
    "sts.v1": {"sts.token": tokens.exchange},
    "iamcredentials.v1": {
        "iamcredentials.projects.serviceAccounts.generateAccessToken": tokens.impersonate,
        "iamcredentials.projects.serviceAccounts.generateIdToken": tokens.identify,
    },
}
