output "channels" {
  description = "Names of the notification channels, for other alerts."
  value       = concat([for channel in google_monitoring_notification_channel.email : channel.name], var.channels)
}

output "name" {
  description = "Full name of the budget."
  value       = google_billing_budget.this.name
}

output "topic" {
  description = "Id of the topic that gets every update of the budget."
  value       = google_pubsub_topic.this.id
}
