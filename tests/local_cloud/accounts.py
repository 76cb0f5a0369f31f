"""Service accounts as other parts look them up: by e-mail address or unique id."""

from __future__ import annotations

from .call import Call, Cloud
from .errors import GoogleError
from .store import Entity

HOST = "iam.googleapis.com"


def find(call: Call) -> Entity:
    """The account that a path names; `projects/-` stands for its own project.

    Raises:
        GoogleError: 404.
    """
    asked = call.part("serviceAccounts")
    for entity in call.store.children(f"{HOST}/projects/{call.cloud.project.id}/serviceAccounts"):
        if asked in (entity.body["email"], entity.body["uniqueId"]):
            return entity
    raise GoogleError("NOT_FOUND", f"Unknown service account: {asked}.")


def is_missing(cloud: Cloud, email: str) -> bool:
    """Whether an address is one of this project's, and there is no such account."""
    project = cloud.project.id
    ours = email.endswith(f"@{project}.iam.gserviceaccount.com")
    return ours and cloud.store.get(f"{HOST}/projects/{project}/serviceAccounts/{email}") is None
