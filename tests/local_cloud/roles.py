"""Google's predefined roles for the services that this stack uses.

https://cloud.google.com/iam/docs/roles-permissions (2026-08), without those that are only for Google's own agents.
"""

from __future__ import annotations

import re

from .errors import GoogleError, invalid

_CUSTOM = re.compile(r"(organizations/\d+|projects/[a-z][a-z0-9-]{4,28}[a-z0-9])/roles/[a-zA-Z0-9_.]{3,64}")
_BASIC = set("owner editor viewer browser admin writer reader".split())
_OF_SERVICE = {
    service: set(names.split())
    for service, names in {
        "artifactregistry": "admin attachmentReader attachmentWriter containerRegistryMigrationAdmin"
        " createOnPushRepoAdmin createOnPushWriter editor reader repoAdmin viewer writer",
        "billing": "admin carbonViewer costsManager creator linkAdmin projectCostsManager projectManager user viewer",
        "compute": "admin editor futureReservationAdmin futureReservationUser futureReservationViewer imageUser"
        " instanceAdmin instanceAdmin.v1 loadBalancerAdmin loadBalancerServiceUser networkAdmin networkUser"
        " networkViewer orgFirewallPolicyAdmin orgFirewallPolicyUser orgSecurityPolicyAdmin orgSecurityPolicyUser"
        " orgSecurityResourceAdmin osAdminLogin osLogin osLoginExternalUser packetMirroringAdmin packetMirroringUser"
        " publicIpAdmin securityAdmin soleTenantViewer storageAdmin viewer xpnAdmin",
        "containeranalysis": "admin editor notes.attacher notes.editor notes.occurrences.viewer notes.viewer"
        " occurrences.editor occurrences.viewer viewer",
        "firebase": "admin analyticsAdmin analyticsViewer developAdmin developViewer editor growthAdmin growthViewer"
        " qualityAdmin qualityViewer viewer",
        "firebaseappcheck": "admin tokenVerifier viewer",
        "firebaseauth": "admin editor viewer",
        "firebasehosting": "admin viewer",
        "iam": "accessPolicyAdmin accessPolicyUser accessPolicyViewer admin dataScientist databasesAdmin denyAdmin"
        " denyReviewer devOps editor infrastructureAdmin mlEngineer networkAdmin oauthClientAdmin oauthClientViewer"
        " operationViewer organizationRoleAdmin organizationRoleViewer principalAccessBoundaryAdmin"
        " principalAccessBoundaryUser principalAccessBoundaryViewer roleAdmin roleViewer scimSyncer securityAdmin"
        " securityAuditor securityReviewer serviceAccountAdmin serviceAccountApiKeyBindingAdmin serviceAccountCreator"
        " serviceAccountDeleter serviceAccountKeyAdmin serviceAccountOpenIdTokenCreator serviceAccountTokenCreator"
        " serviceAccountUser serviceAccountViewer siteReliabilityEngineer supportUser viewer workforcePoolAdmin"
        " workforcePoolEditor workforcePoolViewer workloadIdentityPoolAdmin workloadIdentityPoolViewer"
        " workloadIdentityUser workspacePoolAdmin",
        "identityplatform": "admin viewer",
        "identitytoolkit": "admin editor viewer",
        "logging": "admin bucketWriter configWriter fieldAccessor linkViewer logWriter privateLogViewer sqlAlertWriter"
        " viewAccessor viewer",
        "monitoring": "admin alertPolicyEditor alertPolicyViewer alertViewer cloudConsoleIncidentEditor"
        " cloudConsoleIncidentViewer dashboardEditor dashboardViewer editor metricWriter metricsScopesAdmin"
        " metricsScopesViewer notificationChannelEditor notificationChannelViewer servicesEditor servicesViewer"
        " snoozeEditor snoozeViewer uptimeCheckConfigEditor uptimeCheckConfigViewer viewer",
        "pubsub": "admin editor publisher subscriber viewer",
        "resourcemanager": "folderAdmin folderCreator folderEditor folderIamAdmin folderMover folderViewer lienModifier"
        " organizationAdmin organizationViewer projectCreator projectDeleter projectIamAdmin projectMover tagAdmin"
        " tagHoldAdmin tagUser tagViewer",
        "run": "admin builder developer editor invoker jobsExecutor jobsExecutorWithOverrides servicesInvoker"
        " sourceDeveloper sourceViewer sshReader sshRoot viewer",
        "secretmanager": "admin editor secretAccessor secretVersionAdder secretVersionManager viewer",
        "serviceusage": "apiKeysAdmin apiKeysViewer serviceUsageAdmin serviceUsageConsumer serviceUsageViewer",
        "storage": "admin bucketViewer editor folderAdmin hmacKeyAdmin legacyBucketOwner legacyBucketReader"
        " legacyBucketWriter legacyObjectOwner legacyObjectReader objectAdmin objectCreator objectUser objectViewer"
        " viewer",
    }.items()
}


def check(role: str) -> None:
    """Refuse a role that does not exist. Whether a custom one does is not known here.

    Raises:
        GoogleError: 400; 501 for a role of a service that this stack does not use.
    """
    kind, _, name = role.partition("/")
    service, _, rest = name.partition(".")
    if _CUSTOM.fullmatch(role) or (kind == "roles" and (name in _BASIC or rest.lower().endswith("serviceagent"))):
        return
    if kind == "roles" and re.fullmatch(r"[a-z_]+\.[A-Za-z0-9_.]+", name) and service not in _OF_SERVICE:
        raise GoogleError("UNIMPLEMENTED", f"The local cloud does not know the roles of {service}: {role}.")
    if kind != "roles" or rest not in _OF_SERVICE.get(service, ()):
        raise invalid(f"Role {role} is not supported for this resource.")
