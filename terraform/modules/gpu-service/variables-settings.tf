variable "secrets" {
  description = "Settings that come from Secret Manager, by name of the variable: KIKITORI_API_KEYS, HF_TOKEN. A `version` that is \"latest\" is read anew by each instance as it starts."
  type = map(object({
    secret  = string
    version = optional(string, "latest")
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.secrets) : contains(local.secret_settings, name)])
    error_message = "secrets takes ${join(" and ", local.secret_settings)}: the service knows no other secrets."
  }

  validation {
    condition     = alltrue([for secret in var.secrets : can(regex("^[A-Za-z0-9_-]{1,255}$", secret.secret))])
    error_message = "secrets.*.secret must be the secret's id alone, of this project: letters, digits, - and _."
  }

  validation {
    condition     = alltrue([for secret in var.secrets : can(regex("^(latest|[1-9][0-9]*)$", secret.version))])
    error_message = "secrets.*.version must be latest or a number."
  }

  validation {
    condition     = try(var.secrets.KIKITORI_API_KEYS.version, "latest") == "latest"
    error_message = "secrets.KIKITORI_API_KEYS must be read at version latest: each change of the keys disables the version before, with which no instance could start any more."
  }

  validation {
    condition     = var.access.auth != "api-key" || contains(keys(var.secrets), "KIKITORI_API_KEYS")
    error_message = "access.auth is api-key, so secrets needs KIKITORI_API_KEYS: { secret = \"kikitori-api-keys\" }, say."
  }
}

variable "settings" {
  description = "Further settings of the service, by name of the variable; docs/settings.md describes them. What follows from the other variables cannot be set here."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.settings) : contains(local.free_settings, name)])
    error_message = "settings takes ${join(", ", local.free_settings)}. Others follow from capacity, access, weights and secrets; a name that the service does not know ends it as it starts."
  }

  validation {
    condition     = try(tonumber(lookup(var.settings, "KIKITORI_MAX_UPLOAD_MB", "32")) > 0 && tonumber(lookup(var.settings, "KIKITORI_MAX_UPLOAD_MB", "32")) <= 32, false)
    error_message = "KIKITORI_MAX_UPLOAD_MB must be a number above 0 and at most 32: Cloud Run takes no larger request over HTTP/1."
  }

  validation {
    condition     = contains(["none", "int8", "int4"], lookup(var.settings, "KIKITORI_QUANTIZATION", "none"))
    error_message = "KIKITORI_QUANTIZATION must be none, int8 or int4."
  }

  validation {
    condition     = contains(["auto", "bfloat16", "float16", "float32"], lookup(var.settings, "KIKITORI_DTYPE", "auto"))
    error_message = "KIKITORI_DTYPE must be auto, bfloat16, float16 or float32."
  }

  validation {
    condition     = try(tonumber(lookup(var.settings, "KIKITORI_CACHE_TOKENS", "1e9")) >= 1280 * var.capacity.concurrency, false)
    error_message = "KIKITORI_CACHE_TOKENS must be at least 1280 for each of capacity.concurrency: 30 s of sound and their answer take that many."
  }

  validation {
    condition     = alltrue([for name in ["KIKITORI_MAX_AUDIO_S", "KIKITORI_IDLE_EXIT_S"] : try(tonumber(lookup(var.settings, name, "1")) > 0, false)])
    error_message = "KIKITORI_MAX_AUDIO_S and KIKITORI_IDLE_EXIT_S must be seconds above 0."
  }
}

variable "weights" {
  description = "Where the weights lie: a bucket, and a folder in it, \"\" for the whole bucket."
  type = object({
    bucket = string
    folder = optional(string, "")
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$", var.weights.bucket))
    error_message = "weights.bucket must be the bucket's name alone, without gs:// and without a folder."
  }

  validation {
    condition     = can(regex("^([^/]+(/[^/]+)*)?$", var.weights.folder))
    error_message = "weights.folder must not start or end with a slash."
  }
}
