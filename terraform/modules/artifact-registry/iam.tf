resource "google_artifact_registry_repository_iam_binding" "this" {
  for_each = { for role, members in { reader = var.readers, writer = var.writers } : role => members if length(members) > 0 }

  project    = var.project_id
  location   = google_artifact_registry_repository.this.location
  repository = google_artifact_registry_repository.this.name
  role       = "roles/artifactregistry.${each.key}"
  members    = each.value
}
