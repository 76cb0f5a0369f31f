# Counted from the service's own lines in the log: service/src/kikitori/api/middleware.py writes one for each request,
# except for probes, and service/src/kikitori/engines/scheduler.py says critically why a load failed.
locals {
  lines = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.service}\""

  metrics = {
    requests = {
      description = "Requests that the service answered"
      filter      = "jsonPayload.logger=\"kikitori.access\""
    }
    errors = {
      description = "Requests that failed by the service's fault"
      filter      = "jsonPayload.logger=\"kikitori.access\" AND jsonPayload.status>=500"
    }
    failed_loads = {
      description = "Starts that ended without a model: unusable settings, or weights that could not be loaded"
      filter      = "((jsonPayload.logger=\"kikitori.engines.scheduler\" AND severity=CRITICAL) OR textPayload=~\"^kikitori: \")"
    }
  }
}

resource "google_logging_metric" "this" {
  for_each = local.metrics

  project     = var.project_id
  name        = "${var.service}/${each.key}"
  description = each.value.description
  filter      = "${local.lines} AND ${each.value.filter}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}
