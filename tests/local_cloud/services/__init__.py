"""One file for each of Google's services, each with the rows of its methods."""

from . import (
    artifactregistry,
    billing,
    compute,
    firebase,
    hosting,
    iam,
    identitytoolkit,
    logging,
    monitoring,
    objects,
    pubsub,
    resourcemanager,
    run,
    secretmanager,
    serviceusage,
    storage,
)

MODULES = (
    artifactregistry,
    billing,
    compute,
    firebase,
    hosting,
    iam,
    identitytoolkit,
    logging,
    monitoring,
    objects,
    pubsub,
    resourcemanager,
    run,
    secretmanager,
    serviceusage,
    storage,
)
