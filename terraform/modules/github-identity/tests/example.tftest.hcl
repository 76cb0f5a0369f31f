mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id          = "my-project"
  repository          = { id = "123456789", owner_id = "1234567" }
  branch              = "release"
  attribute_condition = "assertion.runner_environment == \"github-hosted\""
  pool_id             = "github-pool"
  provider_id         = "actions"
  prefix              = "ci"
  plan_roles          = ["roles/run.viewer"]
  deploy_roles        = ["roles/run.admin", "roles/firebasehosting.admin"]
}

run "example" {
  # Applied, on a mocked provider: the pool's full name is known only then.
  assert {
    condition = alltrue([
      google_iam_workload_identity_pool.this.project == var.project_id,
      google_iam_workload_identity_pool.this.workload_identity_pool_id == var.pool_id,
      google_iam_workload_identity_pool_provider.this.workload_identity_pool_provider_id == var.provider_id,
      google_iam_workload_identity_pool_provider.this.attribute_condition == join(" && ", [
        "assertion.repository_owner_id == \"${var.repository.owner_id}\"",
        "assertion.repository_id == \"${var.repository.id}\"",
        "(assertion.ref == \"refs/heads/${var.branch}\" || assertion.event_name == \"pull_request\")",
        "(${var.attribute_condition})",
      ]),
      strcontains(google_iam_workload_identity_pool_provider.this.attribute_mapping["attribute.role"], "assertion.ref == \"refs/heads/release\" && "),
    ])
    error_message = "Other tokens than those would be accepted."
  }

  assert {
    condition = alltrue([
      google_service_account.this["plan"].account_id == "${var.prefix}-plan",
      google_service_account.this["deploy"].account_id == "${var.prefix}-deploy",
      google_service_account_iam_binding.github["plan"].members == toset(["principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.role/plan"]),
      google_service_account_iam_binding.github["deploy"].members == toset(["principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.role/deploy"]),
    ])
    error_message = "Others could act as the accounts."
  }

  assert {
    condition     = toset(keys(google_project_iam_member.this)) == toset(concat([for role in var.plan_roles : "plan ${role}"], [for role in var.deploy_roles : "deploy ${role}"]))
    error_message = "The accounts have other rights."
  }
}
