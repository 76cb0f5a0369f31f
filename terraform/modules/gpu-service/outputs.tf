output "cost_note" {
  description = "What the costs are reckoned from, or why they are not known."
  value = length(local.unknown_prices) == 0 ? join(" ", [
    "Instance time alone, ${var.capacity.max_instances} x ${var.resources.cpu} vCPU, ${var.resources.memory}, ${var.resources.gpu} in ${var.region}, 730 hours a month;",
    "prices ${can(local.prices.catalog[var.region]) ? "as read from the Cloud Billing Catalog" : "of ${local.prices.date} from ${local.prices.source.prices}"}, without free tier, storage and network.",
    ]) : join(" ", [
    "No price is known for ${join(", ", local.unknown_prices)} in ${var.region} (${local.prices.source.prices}, ${local.prices.date}), so no cost is reckoned.",
    "Read it from the Billing Catalog (scripts/preflight.py prints it) and set `price`.",
  ])
}

output "environment" {
  description = "The service's settings that are no secrets."
  value       = local.environment
}

output "idle_usd_per_month" {
  description = "US dollars a month while nobody calls: the least instances at all hours. null where no price is known, see `cost_note`."
  value       = local.instance_usd_per_month == null ? null : floor(local.instance_usd_per_month * var.capacity.min_instances * 100 + 0.5) / 100
}

output "instance_usd_per_s" {
  description = "US dollars a second of one instance. null where no price is known, see `cost_note`."
  value       = local.instance_usd_per_s
}

output "name" {
  description = "Name of the service."
  value       = google_cloud_run_v2_service.this.name
}

output "newest_url" {
  description = "Address of the newest revision alone, whatever its share of the traffic; null without a tag."
  value       = one([for target in google_cloud_run_v2_service.this.traffic_statuses : target.uri if target.tag == var.traffic.newest_tag && var.traffic.newest_tag != null])
}

output "revision" {
  description = "Name of the newest ready revision: the `traffic.serving` of the next deploy."
  value       = basename(google_cloud_run_v2_service.this.latest_ready_revision)
}

output "service_account" {
  description = "E-mail address of the account that the service runs as."
  value       = local.service_account
}

output "url" {
  description = "Address of the service."
  value       = google_cloud_run_v2_service.this.uri
  # Who may call it, can.
  depends_on = [google_cloud_run_v2_service_iam_binding.invokers]
}

output "worst_case_usd_per_month" {
  description = "US dollars a month if every instance that the cap allows ran at all hours. null where no price is known, see `cost_note`."
  value       = local.instance_usd_per_month == null ? null : floor(local.instance_usd_per_month * var.capacity.max_instances * 100 + 0.5) / 100
}
