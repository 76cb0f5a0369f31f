mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id      = "my-project"
  project_number  = "123456789012"
  billing_account = "012345-6789AB-CDEF01"
  name            = "Kikitori"
  amount          = { units = 3000, currency = "JPY" }
  thresholds      = { current = [0.5, 1], forecast = [1.2] }
  emails          = ["ops@example.com"]
  channels        = ["projects/my-project/notificationChannels/42"]
  topic           = "kikitori-budget"
  labels          = { app = "kikitori" }
}

run "example" {
  # Applied, on a mocked provider: the channels' names are known only then.
  assert {
    condition = alltrue([
      google_billing_budget.this.billing_account == var.billing_account,
      google_billing_budget.this.display_name == var.name,
      toset(one(google_billing_budget.this.budget_filter).projects) == toset(["projects/${var.project_number}"]),
      google_billing_budget.this.amount[0].specified_amount[0].units == tostring(var.amount.units),
      google_billing_budget.this.amount[0].specified_amount[0].currency_code == var.amount.currency,
      tolist([for rule in google_billing_budget.this.threshold_rules : rule.threshold_percent if rule.spend_basis == "CURRENT_SPEND"]) == var.thresholds.current,
      tolist([for rule in google_billing_budget.this.threshold_rules : rule.threshold_percent if rule.spend_basis == "FORECASTED_SPEND"]) == var.thresholds.forecast,
    ])
    error_message = "The budget is not what was asked for."
  }

  assert {
    condition = alltrue([
      google_monitoring_notification_channel.email["ops@example.com"].labels["email_address"] == var.emails[0],
      google_monitoring_notification_channel.email["ops@example.com"].project == var.project_id,
      google_monitoring_notification_channel.email["ops@example.com"].user_labels["app"] == var.labels["app"],
      google_pubsub_topic.this.project == var.project_id,
      google_pubsub_topic.this.name == var.topic,
      google_pubsub_topic.this.labels["app"] == var.labels["app"],
      one(google_billing_budget.this.all_updates_rule).pubsub_topic == google_pubsub_topic.this.id,
      toset(one(google_billing_budget.this.all_updates_rule).monitoring_notification_channels) == toset(concat(["projects/my-project/notificationChannels/1234567890"], var.channels)),
      length(output.channels) == 2,
    ])
    error_message = "Others would be told."
  }
}
