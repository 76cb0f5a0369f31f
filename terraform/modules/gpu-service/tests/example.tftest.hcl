mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  region     = "us-central1"
  # Google gives out the L4 of this region by invitation.
  region_invited = true
  name           = "kikitori-speech"
  image          = "us-central1-docker.pkg.dev/my-project/kikitori/kikitori@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  subnetwork     = "kikitori"

  service_account = "kikitori@my-project.iam.gserviceaccount.com"
  weights         = { bucket = "my-project-weights", folder = "qwen2-audio-int8" }

  access = {
    public        = true
    auth          = "firebase"
    allowed_users = ["somebody@example.com", "@example.org"]
    origins       = ["https://my-project-speech.web.app"]
  }
  secrets = {
    HF_TOKEN = { secret = "hub-token", version = "3" }
  }
  settings = {
    KIKITORI_MAX_AUDIO_S  = "900"
    KIKITORI_QUANTIZATION = "int8"
  }

  capacity = {
    concurrency   = 6
    queue         = 12
    watchers      = 5
    deadline_s    = 200
    timeout_s     = 250
    min_instances = 1
    max_instances = 4
    gpu_quota     = 5
  }
  resources = {
    cpu              = 8
    memory           = "32Gi"
    gpu              = "nvidia-l4"
    cpu_idle         = false
    zonal_redundancy = true
  }
  probes = {
    startup  = { period_s = 10, timeout_s = 4, failures = 30, window_s = 400 }
    liveness = { period_s = 20, timeout_s = 5, failures = 2 }
  }

  # The newest revision is tried at an address of its own, while another goes on serving.
  traffic = {
    newest_percent = 0
    newest_tag     = "trial"
    serving        = "kikitori-speech-00007-abc"
  }

  price               = { gpu_usd_per_s = 0.0003, cpu_usd_per_s = 0.00002, gib_usd_per_s = 0.000003 }
  labels              = { team = "speech" }
  deletion_protection = false
}

run "example" {
  command = plan

  assert {
    condition = alltrue([
      google_cloud_run_v2_service.this.project == var.project_id,
      google_cloud_run_v2_service.this.location == var.region && var.region_invited,
      google_cloud_run_v2_service.this.name == var.name,
      google_cloud_run_v2_service.this.labels["team"] == var.labels["team"],
      google_cloud_run_v2_service.this.template[0].labels["team"] == var.labels["team"],
      google_cloud_run_v2_service.this.deletion_protection == var.deletion_protection,
      google_cloud_run_v2_service.this.template[0].service_account == var.service_account,
      google_cloud_run_v2_service.this.template[0].containers[0].image == var.image,
      data.google_compute_subnetwork.this.name == var.subnetwork,
      google_cloud_run_v2_service.this.template[0].vpc_access[0].network_interfaces[0].subnetwork == data.google_compute_subnetwork.this.self_link,
      google_cloud_run_v2_service.this.template[0].vpc_access[0].egress == "ALL_TRAFFIC",
    ])
    error_message = "What the service is, is not what was asked for."
  }

  assert {
    condition = alltrue([
      google_cloud_run_v2_service.this.invoker_iam_disabled == var.access.public,
      output.environment["KIKITORI_AUTH"] == var.access.auth,
      output.environment["KIKITORI_FIREBASE_PROJECT"] == var.project_id,
      output.environment["KIKITORI_ALLOWED_USERS"] == join(",", var.access.allowed_users),
      output.environment["KIKITORI_CORS_ORIGINS"] == join(",", var.access.origins),
      length(google_cloud_run_v2_service_iam_binding.invokers) == 0,
    ])
    error_message = "Who may call is not who was asked for."
  }

  assert {
    condition = alltrue([
      output.environment["KIKITORI_MODEL"] == "gs://${var.weights.bucket}/${var.weights.folder}",
      output.environment["KIKITORI_MAX_AUDIO_S"] == var.settings.KIKITORI_MAX_AUDIO_S,
      output.environment["KIKITORI_QUANTIZATION"] == var.settings.KIKITORI_QUANTIZATION,
      output.environment["KIKITORI_CONCURRENCY"] == tostring(var.capacity.concurrency),
      output.environment["KIKITORI_QUEUE_SIZE"] == tostring(var.capacity.queue),
      output.environment["KIKITORI_DEADLINE_S"] == tostring(var.capacity.deadline_s),
      tomap({ for env in google_cloud_run_v2_service.this.template[0].containers[0].env : env.name => env.value if length(env.value_source) == 0 }) == tomap(output.environment),
      one([for env in google_cloud_run_v2_service.this.template[0].containers[0].env : env.value_source[0].secret_key_ref[0].secret if env.name == "HF_TOKEN"]) == var.secrets.HF_TOKEN.secret,
      one([for env in google_cloud_run_v2_service.this.template[0].containers[0].env : env.value_source[0].secret_key_ref[0].version if env.name == "HF_TOKEN"]) == var.secrets.HF_TOKEN.version,
    ])
    error_message = "The service's settings are not those that follow."
  }

  assert {
    condition = alltrue([
      google_cloud_run_v2_service.this.template[0].max_instance_request_concurrency == var.capacity.concurrency + var.capacity.queue + var.capacity.watchers,
      google_cloud_run_v2_service.this.template[0].timeout == "${var.capacity.timeout_s}s",
      google_cloud_run_v2_service.this.scaling[0].min_instance_count == var.capacity.min_instances,
      google_cloud_run_v2_service.this.scaling[0].max_instance_count == var.capacity.max_instances,
      google_cloud_run_v2_service.this.template[0].scaling[0].min_instance_count == var.capacity.min_instances,
      google_cloud_run_v2_service.this.template[0].scaling[0].max_instance_count == var.capacity.max_instances && var.capacity.gpu_quota == 5,
    ])
    error_message = "The capacity is not what was asked for."
  }

  assert {
    condition = alltrue([
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].limits["cpu"] == tostring(var.resources.cpu),
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].limits["memory"] == var.resources.memory,
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].limits["nvidia.com/gpu"] == "1",
      google_cloud_run_v2_service.this.template[0].containers[0].resources[0].cpu_idle == var.resources.cpu_idle,
      google_cloud_run_v2_service.this.template[0].node_selector[0].accelerator == var.resources.gpu,
      google_cloud_run_v2_service.this.template[0].gpu_zonal_redundancy_disabled == !var.resources.zonal_redundancy,
    ])
    error_message = "The instance is not what was asked for."
  }

  assert {
    condition = alltrue([
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].period_seconds == var.probes.startup.period_s,
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].timeout_seconds == var.probes.startup.timeout_s,
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].failure_threshold == var.probes.startup.failures && var.probes.startup.window_s == 400,
      google_cloud_run_v2_service.this.template[0].containers[0].startup_probe[0].http_get[0].path == "/health/live",
      google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].period_seconds == var.probes.liveness.period_s,
      google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].timeout_seconds == var.probes.liveness.timeout_s,
      google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].failure_threshold == var.probes.liveness.failures,
      google_cloud_run_v2_service.this.template[0].containers[0].liveness_probe[0].http_get[0].path == "/health/live",
    ])
    error_message = "The probes are not what was asked for."
  }

  assert {
    condition = alltrue([
      google_cloud_run_v2_service.this.traffic[0].percent == var.traffic.newest_percent,
      google_cloud_run_v2_service.this.traffic[0].tag == var.traffic.newest_tag,
      google_cloud_run_v2_service.this.traffic[1].revision == var.traffic.serving,
      google_cloud_run_v2_service.this.traffic[1].percent == 100,
    ])
    error_message = "The traffic does not go where it should."
  }

  assert {
    condition     = abs(output.instance_usd_per_s - (var.price.gpu_usd_per_s + 8 * var.price.cpu_usd_per_s + 32 * var.price.gib_usd_per_s)) < 1e-12 && output.environment["KIKITORI_PRICE_USD_PER_S"] == "0.0005560"
    error_message = "The price is not the sum of its parts."
  }

  assert {
    condition     = output.worst_case_usd_per_month == 5844.67 && output.idle_usd_per_month == 1461.17
    error_message = "The costs of a month are not instances x price x 730 hours."
  }
}
