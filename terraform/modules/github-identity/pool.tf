locals {
  ref = "refs/heads/${var.branch}"

  # Names can be given away and registered again by others; numbers cannot.
  pins = join(" && ", [
    "assertion.repository_owner_id == \"${var.repository.owner_id}\"",
    "assertion.repository_id == \"${var.repository.id}\"",
    "(assertion.ref == \"${local.ref}\" || assertion.event_name == \"pull_request\")",
  ])

  # A pull request's own workflow can plan. What deploys was merged: pull_request_target has the branch's ref too, but
  # may run a stranger's code.
  role_of_token = "assertion.ref == \"${local.ref}\" && assertion.event_name in [\"push\", \"workflow_dispatch\"] ? \"deploy\" : \"plan\""
}

resource "google_iam_workload_identity_pool" "this" {
  project                   = var.project_id
  workload_identity_pool_id = var.pool_id
  display_name              = "GitHub Actions"
}

resource "google_iam_workload_identity_pool_provider" "this" {
  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.this.workload_identity_pool_id
  workload_identity_pool_provider_id = var.provider_id
  display_name                       = "GitHub Actions"

  attribute_mapping = {
    # The subject of a token has its branch's name in it, which can be longer than the 127 characters that fit here.
    "google.subject"          = "assertion.repository_id + \":\" + assertion.run_id"
    "attribute.role"          = local.role_of_token
    "attribute.repository_id" = "assertion.repository_id"
  }
  attribute_condition = join(" && ", compact([local.pins, var.attribute_condition == null ? "" : "(${var.attribute_condition})"]))

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}
