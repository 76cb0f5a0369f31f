"""Whom a service lets in that is not public."""

from __future__ import annotations

from tests.local_cloud.call import Project
from tests.local_cloud.conftest import PROJECT

from .conftest import NAME, Place


def test_a_service_that_is_not_public(here: Place) -> None:
    iam = here.cloud.client("iam", "v1").projects().serviceAccounts()
    tokens = here.cloud.client("iamcredentials", "v1").projects().serviceAccounts()
    emails = [iam.create(name=PROJECT, body={"accountId": name}).execute()["email"] for name in ("caller", "stranger")]
    here.warm(public=False)

    def call(email: str | None, audience: str = "") -> int:
        token = ""
        if email:
            name = f"projects/-/serviceAccounts/{email}"
            body = {"audience": audience or here.run.address("speech"), "includeEmail": True}
            token = tokens.generateIdToken(name=name, body=body).execute()["token"]
        return here.get("/", headers={"Authorization": f"Bearer {token}"} if token else {}).status_code

    assert call(None) == 403
    assert call(emails[0]) == 403
    binding = {"role": "roles/run.invoker", "members": [f"serviceAccount:{emails[0]}"]}
    services = here.cloud.client("run", "v2").projects().locations().services()
    services.setIamPolicy(resource=NAME, body={"policy": {"bindings": [binding]}}).execute()
    assert call(emails[0]) == 200
    assert call(emails[1]) == 403
    over = {"title": "over", "expression": "request.time < timestamp('2020-01-01T00:00:00Z')"}
    policy = {"version": 3, "bindings": [{**binding, "condition": over}]}
    services.setIamPolicy(resource=NAME, body={"policy": policy}).execute()
    assert call(emails[0]) == 403
    projects = here.cloud.client("cloudresourcemanager", "v1").projects()
    policy = projects.getIamPolicy(resource=Project.id, body={}).execute()
    policy["bindings"].append(binding)
    projects.setIamPolicy(resource=Project.id, body={"policy": policy}).execute()
    assert call(emails[0]) == 200
    assert call(emails[0], audience="https://elsewhere.example") == 401
    assert here.get("/", headers={"Authorization": "Bearer a.b.c"}).status_code == 401
    assert len(here.run.meter.requests) == 2, "whom Google does not let in starts nothing and is nobody's request"
