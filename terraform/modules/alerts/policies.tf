locals {
  here = "monitored_resource=\"cloud_run_revision\",service_name=\"${var.service}\""
  # Counters of the log are named after their metric, with all but letters and digits replaced.
  count = { for name in keys(local.metrics) : name => "logging_googleapis_com:user_${replace("${var.service}_${name}", "-", "_")}{monitored_resource=\"cloud_run_revision\"}" }

  policies = merge({
    billed_without_requests = {
      title    = "An instance is billed, and nobody calls"
      severity = "WARNING"
      text     = "An instance of ${var.service} has been up for ${var.idle_hours} h without a request. Look for what keeps it: min_instances above 0, or a stream that is left open. `gcloud run services describe ${var.service}` shows the first."
      query    = "min_over_time(sum(run_googleapis_com:container_instance_count{${local.here}})[${var.idle_hours}h:5m]) > 0 unless on() sum(increase(${local.count.requests}[${var.idle_hours}h])) > 0"
    }
    errors = {
      title    = "Requests fail"
      severity = "ERROR"
      text     = "More than ${var.error_rate * 100} % of the requests to ${var.service} failed by its own fault within 15 minutes. Its log says why: severity ERROR."
      query    = "sum(increase(${local.count.errors}[15m])) / sum(increase(${local.count.requests}[15m])) > ${var.error_rate} and sum(increase(${local.count.errors}[15m])) >= 3"
    }
    failed_loads = {
      title    = "The model cannot be loaded"
      severity = "CRITICAL"
      text     = "An instance of ${var.service} ended because it could not load its model, and the next one will too. Its log says why: severity CRITICAL. docs/operations.md describes how to roll back."
      query    = "sum(increase(${local.count.failed_loads}[10m])) > 0"
    }
    }, var.cost_of_day == null ? {} : {
    cost_of_day = {
      title    = "A day costs more than planned"
      severity = "WARNING"
      text     = "The instances of ${var.service} cost more than ${var.cost_of_day.usd} USD within 23 hours (Monitoring's longest window), reckoned with ${var.cost_of_day.usd_per_s} USD for each second that was billed."
      query    = "sum(increase(run_googleapis_com:container_billable_instance_time{${local.here}}[23h])) * ${var.cost_of_day.usd_per_s} > ${var.cost_of_day.usd}"
    }
  })
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.policies

  project               = var.project_id
  display_name          = "${var.service}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.channels
  user_labels           = var.labels

  conditions {
    display_name = each.value.title

    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "0s"
      evaluation_interval = "300s"
      # A metric is known to Monitoring only minutes after it was made, or after its first line in the log.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.text
  }

  alert_strategy {
    auto_close = "86400s"
  }

  depends_on = [google_logging_metric.this]
}
