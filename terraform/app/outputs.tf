output "cost" {
  description = "All that is known of the cost; there also where its parts are null, which Terraform does not keep as outputs of their own."
  value = {
    worst_case_usd_per_month = module.service.worst_case_usd_per_month
    idle_usd_per_month       = module.service.idle_usd_per_month
    note                     = module.service.cost_note
  }
}

output "cost_note" {
  description = "What the costs are reckoned from, or why they are not known."
  value       = module.service.cost_note
}

output "environment" {
  description = "The service's settings that are no secrets: what the `model` part of the page's config.json follows from."
  value       = module.service.environment
}

output "idle_usd_per_month" {
  description = "US dollars a month while nobody calls. Where no price is known, there is no such output: see `cost`."
  value       = module.service.idle_usd_per_month
}

output "image" {
  description = "The image that is deployed, by digest."
  value       = var.image
}

output "newest_url" {
  description = "Address of the newest revision alone, to try it before it gets traffic."
  value       = module.service.newest_url
}

output "page_config" {
  description = "What a deployment decides of the page's config.json; the security headers follow from it (scripts/hosting.py)."
  value = merge(
    { service = module.service.url, auth = module.service.environment["KIKITORI_AUTH"] },
    module.service.environment["KIKITORI_AUTH"] == "firebase" ? { firebase = var.platform.firebase } : {},
  )
}

output "page_url" {
  description = "Address of the page."
  value       = var.platform.page.url
}

output "project_id" {
  description = "Id of the project."
  value       = var.project_id
}

output "revision" {
  description = "Name of the newest ready revision."
  value       = module.service.revision
}

output "service" {
  description = "Full name of the service: projects/PROJECT/locations/REGION/services/NAME."
  value       = "projects/${var.project_id}/locations/${var.region}/services/${module.service.name}"
}

output "site_id" {
  description = "Id of the page's site, the target of `firebase deploy`."
  value       = var.platform.page.site_id
}

output "url" {
  description = "Address of the service."
  value       = module.service.url
}

output "worst_case_usd_per_month" {
  description = "US dollars a month if every instance that the cap allows ran at all hours. Where no price is known, there is no such output: see `cost`."
  value       = module.service.worst_case_usd_per_month
}
