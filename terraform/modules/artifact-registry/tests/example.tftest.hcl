mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id  = "my-project"
  name        = "kikitori"
  location    = "asia-southeast1"
  description = "Images of Kikitori"
  labels      = { app = "kikitori" }
  scanning    = false
  cleanup     = { keep = 5, delete_after_days = 30, dry_run = true }
  readers     = ["group:speech@example.com"]
  writers     = ["serviceAccount:github-deploy@my-project.iam.gserviceaccount.com"]
}

run "example" {
  command = plan

  assert {
    condition = alltrue([
      google_artifact_registry_repository.this.project == var.project_id,
      google_artifact_registry_repository.this.repository_id == var.name,
      google_artifact_registry_repository.this.location == var.location,
      google_artifact_registry_repository.this.description == var.description,
      google_artifact_registry_repository.this.labels["app"] == var.labels["app"],
      google_artifact_registry_repository.this.docker_config[0].immutable_tags,
      google_artifact_registry_repository.this.vulnerability_scanning_config[0].enablement_config == (var.scanning ? "INHERITED" : "DISABLED"),
      output.address == "asia-southeast1-docker.pkg.dev/my-project/kikitori",
    ])
    error_message = "The repository is not what was asked for."
  }

  assert {
    condition = alltrue([
      google_artifact_registry_repository.this.cleanup_policy_dry_run == var.cleanup.dry_run,
      one([for policy in google_artifact_registry_repository.this.cleanup_policies : policy.most_recent_versions[0].keep_count if policy.action == "KEEP"]) == var.cleanup.keep,
      one([for policy in google_artifact_registry_repository.this.cleanup_policies : policy.condition[0].older_than if policy.action == "DELETE"]) == "${var.cleanup.delete_after_days * 86400}s",
    ])
    error_message = "Other images would be deleted."
  }

  assert {
    condition = alltrue([
      google_artifact_registry_repository_iam_binding.this["reader"].members == toset(var.readers),
      google_artifact_registry_repository_iam_binding.this["reader"].role == "roles/artifactregistry.reader",
      google_artifact_registry_repository_iam_binding.this["writer"].members == toset(var.writers),
      google_artifact_registry_repository_iam_binding.this["writer"].role == "roles/artifactregistry.writer",
    ])
    error_message = "Others could pull or push."
  }
}
