# What the service reads as it starts: its settings are described in docs/settings.md.
locals {
  # More than the service admits, so that one too many is told so by the service, in an answer that a page can read,
  # and not by the platform; and streams that follow a cold start need a place too.
  requests_per_instance = var.capacity.concurrency + var.capacity.queue + var.capacity.watchers

  environment = {
    for name, value in merge(var.settings, {
      KIKITORI_HOST             = "0.0.0.0"
      KIKITORI_ENGINE           = "qwen2-audio"
      KIKITORI_MODEL            = join("/", compact(["gs://${var.weights.bucket}", var.weights.folder]))
      KIKITORI_CONCURRENCY      = tostring(var.capacity.concurrency)
      KIKITORI_QUEUE_SIZE       = tostring(var.capacity.queue)
      KIKITORI_DEADLINE_S       = tostring(var.capacity.deadline_s)
      KIKITORI_AUTH             = var.access.auth
      KIKITORI_FIREBASE_PROJECT = var.access.auth == "firebase" ? var.project_id : null
      KIKITORI_ALLOWED_USERS    = var.access.auth == "firebase" ? join(",", var.access.allowed_users) : null
      KIKITORI_CORS_ORIGINS     = length(var.access.origins) == 0 ? null : join(",", var.access.origins)
      KIKITORI_LOG_FORMAT       = "json"
      # Fixed notation: a price of 1e-05 would be read, but nobody could.
      KIKITORI_PRICE_USD_PER_S = local.instance_usd_per_s == null ? null : format("%.7f", local.instance_usd_per_s)
    }) : name => value if value != null
  }

  # What a deployment may set beyond that, by name.
  free_settings = toset([
    "KIKITORI_CACHE_TOKENS",
    "KIKITORI_DTYPE",
    "KIKITORI_IDLE_EXIT_S",
    "KIKITORI_MAX_AUDIO_S",
    "KIKITORI_MAX_UPLOAD_MB",
    "KIKITORI_MODEL_REVISION",
    "KIKITORI_QUANTIZATION",
  ])
  secret_settings = toset(["HF_TOKEN", "KIKITORI_API_KEYS"])
}
