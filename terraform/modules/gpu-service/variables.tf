variable "deletion_protection" {
  description = "Refuse to delete the service. To destroy it, apply with false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "image" {
  description = "The image by digest: LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256:DIGEST. Nothing else deploys the service."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^:@]+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must be NAME@sha256: and 64 hexadecimal digits, without a tag: a tag may mean another image tomorrow. `gcloud artifacts docker images describe IMAGE:TAG --format='value(image_summary.digest)'` shows the digest."
  }

  validation {
    condition     = can(regex("^[a-z0-9-]+-docker\\.pkg\\.dev/[^/@:]+/[^/@:]+/[^/@:]", var.image))
    error_message = "image must lie in Artifact Registry: LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256:DIGEST. this project deploys only from Artifact Registry, where images are kept, scanned and cleaned up."
  }
}

variable "labels" {
  description = "Labels of the service and its revisions, by which the bill can be split."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Labels take lowercase letters, digits, _ and -, at most 63; a key starts with a letter."
  }

  validation {
    condition     = alltrue([for key in keys(var.labels) : !can(regex("^(goog|run-googleapis|cloud-googleapis|serving-knative)", key))])
    error_message = "Labels that start with goog, run-googleapis, cloud-googleapis or serving-knative are Google's own."
  }
}

variable "name" {
  description = "Name of the service, and of its account where it has its own."
  type        = string
  default     = "kikitori"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$", var.name))
    error_message = "name takes at most 49 lowercase letters, digits and hyphens, starts with a letter and ends with no hyphen."
  }

  validation {
    condition     = var.service_account != null || length(var.name) >= 6 && length(var.name) <= 30
    error_message = "name also names the service's account, which takes 6 to 30 characters: change it, or give service_account."
  }
}

variable "price" {
  description = "US dollars a second that replace those of regions.json, for a region whose prices it does not know: of one GPU, one vCPU and one GiB."
  type = object({
    gpu_usd_per_s = optional(number)
    cpu_usd_per_s = optional(number)
    gib_usd_per_s = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for price in values(var.price) : price == null ? true : price > 0 && price < 0.1])
    error_message = "Prices are US dollars a second, above 0 and under 0.1: divide the price of an hour by 3600."
  }
}

variable "probes" {
  description = "How often `/health/live` is asked, in seconds. Until the startup probe has passed, the instance gets no request; it ends after `failures` in a row, at most `window_s` later. Google documents 240 s as the longest window, and newer text 1800 s for a GPU."
  type = object({
    startup = optional(object({
      period_s  = optional(number, 2)
      timeout_s = optional(number, 1)
      failures  = optional(number, 60)
      window_s  = optional(number, 240)
    }), {})
    liveness = optional(object({
      period_s  = optional(number, 30)
      timeout_s = optional(number, 10)
      failures  = optional(number, 3)
    }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for probe in [var.probes.startup, var.probes.liveness] : probe.period_s >= 1 && probe.period_s <= 240 && floor(probe.period_s) == probe.period_s])
    error_message = "A probe's period_s must be a whole number from 1 to 240."
  }

  validation {
    condition     = alltrue([for probe in [var.probes.startup, var.probes.liveness] : probe.timeout_s >= 1 && probe.timeout_s < probe.period_s && floor(probe.timeout_s) == probe.timeout_s])
    error_message = "A probe's timeout_s must be a whole number of at least 1 and below its period_s."
  }

  validation {
    condition     = alltrue([for probe in [var.probes.startup, var.probes.liveness] : probe.failures >= 1 && floor(probe.failures) == probe.failures])
    error_message = "A probe's failures must be a whole number of at least 1."
  }

  validation {
    condition     = var.probes.startup.window_s >= 1 && var.probes.startup.window_s <= 1800
    error_message = "probes.startup.window_s must be from 1 to 1800: no GPU service gets longer to start."
  }

  validation {
    condition     = var.probes.startup.period_s * var.probes.startup.failures <= var.probes.startup.window_s
    error_message = "probes.startup: period_s x failures is longer than window_s. Ask less often or give up sooner; window_s may be raised to 1800 if Google accepts that for your project."
  }

  validation {
    condition     = var.probes.liveness.period_s * var.probes.liveness.failures <= 240
    error_message = "probes.liveness: period_s x failures must be at most 240, or a dead instance is billed and gets requests for long."
  }
}

variable "project_id" {
  description = "Id of the project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be an id (6 to 30 lowercase letters, digits and hyphens), not a number or a title; `gcloud projects list` shows both."
  }
}

variable "region" {
  description = "Region with the GPU; regions.json lists them. asia-southeast1 is the nearest L4 to Japan."
  type        = string
  default     = "asia-southeast1"
  nullable    = false

  validation {
    condition     = contains(local.gpu_regions, var.region)
    error_message = "Cloud Run has no ${var.resources.gpu} in ${var.region}, as far as is known (${local.prices.source.gpus}, ${local.prices.date}). Choose one of ${join(", ", local.gpu_regions)}; asia-southeast1 is the nearest to Japan."
  }

  validation {
    condition     = !try(local.prices.regions[var.region].gpus[var.resources.gpu].by_invitation, false) || var.region_invited
    error_message = "Google gives out ${var.resources.gpu} in ${var.region} by invitation. If your project has one, set region_invited = true; else choose one of ${join(", ", [for name in local.gpu_regions : name if !local.prices.regions[name].gpus[var.resources.gpu].by_invitation])}."
  }
}

variable "region_invited" {
  description = "The project was invited to a region that gives out its GPUs by invitation."
  type        = bool
  default     = false
  nullable    = false
}

variable "resources" {
  description = "What an instance has. `memory` in Gi. `cpu_idle` stays false: a GPU is billed by instance. `zonal_redundancy` costs more and has a quota of its own."
  type = object({
    cpu              = optional(number, 4)
    memory           = optional(string, "16Gi")
    gpu              = optional(string, "nvidia-l4")
    cpu_idle         = optional(bool, false)
    zonal_redundancy = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(keys(local.prices.gpus), var.resources.gpu)
    error_message = "No GPU ${var.resources.gpu} is known here: resources.gpu must be one of ${join(", ", keys(local.prices.gpus))}."
  }

  validation {
    condition     = contains([4, 6, 8], var.resources.cpu) && try(var.resources.cpu >= local.prices.gpus[var.resources.gpu].min_cpu, true)
    error_message = "resources.cpu must be 4, 6 or 8: ${var.resources.gpu} comes with no less than ${try(local.prices.gpus[var.resources.gpu].min_cpu, 4)}, and Cloud Run knows no others."
  }

  validation {
    condition     = can(regex("^[1-9][0-9]*Gi$", var.resources.memory))
    error_message = "resources.memory must be whole Gi, such as 16Gi."
  }

  validation {
    condition     = try(tonumber(trimsuffix(var.resources.memory, "Gi")) >= local.prices.gpus[var.resources.gpu].min_memory_gib, true)
    error_message = "resources.memory must be at least ${try(local.prices.gpus[var.resources.gpu].min_memory_gib, 0)}Gi: ${var.resources.gpu} comes with no less."
  }

  validation {
    condition     = try(tonumber(trimsuffix(var.resources.memory, "Gi")) <= lookup({ "4" = 16, "6" = 24 }, tostring(var.resources.cpu), 32), true)
    error_message = "resources.memory is more than ${var.resources.cpu} vCPU may have: 4 vCPU go up to 16Gi, 6 to 24Gi, 8 to 32Gi. Raise resources.cpu or lower it."
  }

  validation {
    condition     = !var.resources.cpu_idle
    error_message = "resources.cpu_idle must be false: Cloud Run gives a GPU only with instance-based billing, where the CPU is never taken away."
  }
}

variable "service_account" {
  description = "E-mail address of the account to run as, which can read the weights and the secrets already. null: an account of its own, which gets both."
  type        = string
  default     = null

  validation {
    condition     = var.service_account == null || can(regex("^[a-z]([a-z0-9-]{4,28}[a-z0-9])@[a-z0-9.:-]+\\.iam\\.gserviceaccount\\.com$", var.service_account))
    error_message = "service_account must be an account made for this service, NAME@PROJECT.iam.gserviceaccount.com: the default accounts may do far more than it needs."
  }
}

variable "subnetwork" {
  description = "Name of the subnetwork of this region that the service sends all its traffic through; it needs Private Google Access and a range of /26 or wider."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.subnetwork))
    error_message = "subnetwork must be the name alone, of a subnetwork in the service's project and region."
  }
}
