output "services" {
  description = "The enabled APIs. What needs one waits for this output."
  value       = toset([for service in google_project_service.this : service.service])
}
