output "address" {
  description = "Where images are pushed to and pulled from, without their name."
  value       = "${google_artifact_registry_repository.this.location}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.this.repository_id}"
  # Whoever pulls by this address may.
  depends_on = [google_artifact_registry_repository_iam_binding.this]
}

output "name" {
  description = "Id of the repository."
  value       = google_artifact_registry_repository.this.repository_id
}
