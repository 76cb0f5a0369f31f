output "metrics" {
  description = "Names of the log-based metrics."
  value       = { for name, metric in google_logging_metric.this : name => metric.name }
}

output "policies" {
  description = "Full names of the alerts."
  value       = { for name, policy in google_monitoring_alert_policy.this : name => policy.name }
}
