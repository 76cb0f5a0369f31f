resource "google_artifact_registry_repository" "this" {
  project       = var.project_id
  location      = var.location
  repository_id = var.name
  description   = var.description
  format        = "DOCKER"
  labels        = var.labels

  docker_config {
    # A digest that was tried under a tag stays what that tag means.
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = var.scanning ? "INHERITED" : "DISABLED"
  }

  cleanup_policy_dry_run = var.cleanup.dry_run

  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = var.cleanup.keep
    }
  }

  cleanup_policies {
    id     = "delete-older"
    action = "DELETE"

    condition {
      tag_state = "ANY"
      # Google stores seconds: "90d" would be a difference in every plan.
      older_than = "${var.cleanup.delete_after_days * 24 * 60 * 60}s"
    }
  }
}
