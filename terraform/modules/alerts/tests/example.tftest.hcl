mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id  = "my-project"
  service     = "kikitori-speech"
  channels    = ["projects/my-project/notificationChannels/1234567890"]
  idle_hours  = 2
  error_rate  = 0.1
  cost_of_day = { usd = 5, usd_per_s = 0.0003 }
  labels      = { app = "kikitori" }
}

run "example" {
  command = plan

  assert {
    condition     = alltrue([for metric in google_logging_metric.this : metric.project == var.project_id && strcontains(metric.filter, "service_name=\"${var.service}\"")])
    error_message = "Lines of others would be counted."
  }

  assert {
    condition = alltrue([for policy in google_monitoring_alert_policy.this : alltrue([
      policy.project == var.project_id,
      policy.notification_channels == tolist(var.channels),
      policy.user_labels["app"] == var.labels["app"],
      startswith(policy.display_name, "${var.service}: "),
    ])])
    error_message = "Others would be told, or of another service."
  }

  assert {
    condition = alltrue([
      strcontains(google_monitoring_alert_policy.this["billed_without_requests"].conditions[0].condition_prometheus_query_language[0].query, "[${var.idle_hours}h:5m]"),
      strcontains(google_monitoring_alert_policy.this["billed_without_requests"].conditions[0].condition_prometheus_query_language[0].query, "logging_googleapis_com:user_kikitori_speech_requests"),
      endswith(google_monitoring_alert_policy.this["cost_of_day"].conditions[0].condition_prometheus_query_language[0].query, "* ${var.cost_of_day.usd_per_s} > ${var.cost_of_day.usd}"),
      strcontains(google_monitoring_alert_policy.this["errors"].conditions[0].condition_prometheus_query_language[0].query, "> ${var.error_rate} "),
      length(google_monitoring_alert_policy.this) == 4,
    ])
    error_message = "The alerts do not ask what they should."
  }
}

run "no_alert_on_cost_without_a_price" {
  command = plan

  variables {
    cost_of_day = null
  }

  assert {
    condition     = toset(keys(google_monitoring_alert_policy.this)) == toset(["billed_without_requests", "errors", "failed_loads"])
    error_message = "The alerts are ${join(", ", keys(google_monitoring_alert_policy.this))}."
  }
}
