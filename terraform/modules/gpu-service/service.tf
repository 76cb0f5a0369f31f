resource "google_cloud_run_v2_service" "this" {
  project              = var.project_id
  name                 = var.name
  location             = var.region
  labels               = var.labels
  ingress              = "INGRESS_TRAFFIC_ALL"
  invoker_iam_disabled = var.access.public
  deletion_protection  = var.deletion_protection

  # Here for all revisions together, and again in the template for each: one alone shows up in every plan.
  scaling {
    min_instance_count = var.capacity.min_instances
    max_instance_count = var.capacity.max_instances
  }

  template {
    labels                           = var.labels
    service_account                  = local.service_account
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    timeout                          = "${var.capacity.timeout_s}s"
    max_instance_request_concurrency = local.requests_per_instance
    gpu_zonal_redundancy_disabled    = !var.resources.zonal_redundancy

    scaling {
      min_instance_count = var.capacity.min_instances
      max_instance_count = var.capacity.max_instances
    }

    node_selector {
      accelerator = var.resources.gpu
    }

    # All traffic goes through the subnetwork, whose Private Google Access leads to Google's APIs: the weights come
    # by Google's own network, and the container reaches nothing else.
    vpc_access {
      egress = "ALL_TRAFFIC"

      network_interfaces {
        network    = data.google_compute_subnetwork.this.network
        subnetwork = data.google_compute_subnetwork.this.self_link
      }
    }

    containers {
      image = var.image

      ports {
        container_port = 8080
      }

      resources {
        limits = {
          cpu              = tostring(var.resources.cpu)
          memory           = var.resources.memory
          "nvidia.com/gpu" = "1"
        }
        cpu_idle          = var.resources.cpu_idle
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.environment
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value.secret
              version = env.value.version
            }
          }
        }
      }

      # The port opens before the model loads, and a load that fails ends the process: "live" is all that the
      # platform has to ask.
      startup_probe {
        period_seconds    = var.probes.startup.period_s
        timeout_seconds   = var.probes.startup.timeout_s
        failure_threshold = var.probes.startup.failures

        http_get {
          path = "/health/live"
        }
      }

      liveness_probe {
        period_seconds    = var.probes.liveness.period_s
        timeout_seconds   = var.probes.liveness.timeout_s
        failure_threshold = var.probes.liveness.failures

        http_get {
          path = "/health/live"
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = var.traffic.newest_percent
    tag     = var.traffic.newest_tag
  }

  dynamic "traffic" {
    for_each = var.traffic.serving[*]
    content {
      type     = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
      revision = traffic.value
      percent  = 100 - var.traffic.newest_percent
    }
  }

  # A new instance reads both as it starts.
  depends_on = [
    google_secret_manager_secret_iam_member.service,
    google_storage_bucket_iam_member.service,
  ]

  lifecycle {
    # `make keys` notes there that instances shall start anew.
    ignore_changes = [template[0].annotations]

    postcondition {
      condition     = self.latest_ready_revision != ""
      error_message = "No revision of ${var.name} ever became ready: the logs say why. Mend that, then see \"A first deploy that failed\" in docs/operations.md."
    }
  }
}

data "google_compute_subnetwork" "this" {
  project = var.project_id
  region  = var.region
  name    = var.subnetwork

  lifecycle {
    postcondition {
      condition     = self.private_ip_google_access
      error_message = "The subnetwork ${var.subnetwork} has no Private Google Access, so the service could not read its weights: gcloud compute networks subnets update ${var.subnetwork} --region=${var.region} --enable-private-ip-google-access"
    }
  }
}
