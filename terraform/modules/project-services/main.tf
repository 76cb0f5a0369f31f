resource "google_project_service" "this" {
  for_each = var.services

  project = var.project_id
  service = each.value

  # Others may use it too, and what is disabled by mistake takes its resources with it.
  disable_on_destroy = false
}
