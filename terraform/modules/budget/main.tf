resource "google_billing_budget" "this" {
  billing_account = var.billing_account
  display_name    = var.name

  budget_filter {
    # Google wants the number here; with the id it answers that the argument is invalid.
    projects = ["projects/${var.project_number}"]
  }

  amount {
    specified_amount {
      currency_code = var.amount.currency
      units         = tostring(var.amount.units)
    }
  }

  dynamic "threshold_rules" {
    for_each = concat(
      [for fraction in var.thresholds.current : { basis = "CURRENT_SPEND", fraction = fraction }],
      [for fraction in var.thresholds.forecast : { basis = "FORECASTED_SPEND", fraction = fraction }],
    )
    iterator = threshold

    content {
      spend_basis       = threshold.value.basis
      threshold_percent = threshold.value.fraction
    }
  }

  all_updates_rule {
    monitoring_notification_channels = concat([for channel in google_monitoring_notification_channel.email : channel.name], var.channels)
    pubsub_topic                     = google_pubsub_topic.this.id
    schema_version                   = "1.0"
    disable_default_iam_recipients   = false
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.emails)

  project      = var.project_id
  display_name = each.value
  type         = "email"
  user_labels  = var.labels

  labels = {
    email_address = each.value
  }
}

# What a cap would listen to. Budgets lag by hours: the service's instance cap is what bounds the cost.
resource "google_pubsub_topic" "this" {
  project = var.project_id
  name    = var.topic
  labels  = var.labels
}
