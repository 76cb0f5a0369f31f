"""Who may call a service that is not public: https://docs.cloud.google.com/run/docs/authenticating/overview."""

from __future__ import annotations

from collections.abc import Sequence

from tests.local_cloud import identity_tokens, policies
from tests.local_cloud.conditions import Resource
from tests.local_cloud.store import Store

from .description import Service

_RUN = "run.googleapis.com"
_INVOKERS = ("roles/run.invoker", "roles/run.servicesInvoker", "roles/run.admin", "roles/owner")
"""The roles with `run.routes.invoke`: https://docs.cloud.google.com/run/docs/reference/iam/roles."""


def refusal(store: Store, service: Service, audiences: Sequence[str], authorization: str) -> int | None:
    """The status that a caller gets: 403 without a token or without the right, 401 with a token that is not valid.

    Args:
        store: the state, with the keys of the tokens.
        service: what is called.
        audiences: addresses that a token for it may be for.
        authorization: the header.
    """
    stored = f"{_RUN}/{service.name}"
    resource = Resource(stored, _RUN, f"{_RUN}/Service", service.name)
    invokers = policies.holders(store, resource, *_INVOKERS)
    if "allUsers" in invokers:
        return None
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token:
        return 403
    email = identity_tokens.verified(store, token, audiences)
    if email is None:
        return 401
    members = {f"serviceAccount:{email}", f"user:{email}", "allAuthenticatedUsers"}
    return None if members & invokers else 403
