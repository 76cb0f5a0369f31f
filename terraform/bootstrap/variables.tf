variable "address_range" {
  description = "Addresses of the service's subnetwork. Every instance takes two, and those of a replaced revision stay taken for a while."
  type        = string
  default     = "10.124.0.0/26"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.address_range, 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.address_range))
    error_message = "address_range must be a private range such as 10.124.0.0/26."
  }

  validation {
    condition     = try(cidrhost(var.address_range, 0) == split("/", var.address_range)[0], true)
    error_message = "address_range must begin where its range begins: ${var.address_range} lies in ${try(cidrsubnet(var.address_range, 0, 0), "another")}, write that."
  }

  validation {
    condition     = try(tonumber(split("/", var.address_range)[1]) <= 26, false)
    error_message = "address_range must be /26 or wider: Cloud Run takes no smaller subnetwork."
  }
}

variable "app_check" {
  description = "App Check of the page, see modules/firebase-hosting. null: none."
  type = object({
    site_key    = string
    token_ttl_s = optional(number)
    enforcement = optional(string)
  })
  default = null
}

variable "budget" {
  description = "Whom to tell when the month's cost reaches parts of `units` of the billing account's `currency`, see modules/budget."
  type = object({
    billing_account = string
    units           = number
    currency        = optional(string)
    emails          = list(string)
    thresholds = optional(object({
      current  = optional(list(number))
      forecast = optional(list(number))
    }), {})
  })
  nullable = false
}

variable "github" {
  description = "The repository that deploys, by its numeric ids, and its branch, see modules/github-identity."
  type = object({
    repository = object({
      id       = string
      owner_id = string
    })
    branch              = optional(string, "main")
    attribute_condition = optional(string)
  })
  nullable = false
}

variable "labels" {
  description = "Labels of everything that takes some, beside app = name."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "name" {
  description = "Name of the service, its account, its network and its registry."
  type        = string
  default     = "kikitori"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "name takes 6 to 30 lowercase letters, digits and hyphens and starts with a letter: it is an account's id too."
  }
}

variable "project" {
  description = "Id and number of the project: `gcloud projects describe PROJECT --format='value(projectId,projectNumber)'`."
  type = object({
    id     = string
    number = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project.id))
    error_message = "project.id must be an id (6 to 30 lowercase letters, digits and hyphens), not a number or a title; `gcloud projects list` shows both."
  }

  validation {
    condition     = can(regex("^[0-9]+$", var.project.number))
    error_message = "project.number must be the project's number, of digits alone, not its id: `gcloud projects describe PROJECT --format='value(projectNumber)'` shows it."
  }
}

variable "region" {
  description = "Region of everything: one with the GPU, see modules/gpu-service/regions.json."
  type        = string
  default     = "asia-southeast1"
  nullable    = false

  validation {
    condition     = contains(keys(jsondecode(file("${path.module}/../modules/gpu-service/regions.json")).regions), var.region)
    error_message = "Cloud Run has no GPU in ${var.region}, as far as modules/gpu-service/regions.json knows, and buckets and registry must lie where the service will. Choose one of ${join(", ", keys(jsondecode(file("${path.module}/../modules/gpu-service/regions.json")).regions))}."
  }

  validation {
    condition     = var.region_invited || !try(alltrue(values(jsondecode(file("${path.module}/../modules/gpu-service/regions.json")).regions[var.region].gpus)[*].by_invitation), false)
    error_message = "Google gives out the GPUs in ${var.region} by invitation. If your project has one, set region_invited = true; else choose a region without, see modules/gpu-service/regions.json."
  }
}

variable "region_invited" {
  description = "The project was invited to a region that gives out its GPUs by invitation."
  type        = bool
  default     = false
  nullable    = false
}

variable "sign_in" {
  description = "Signing in with Google, see modules/firebase-hosting; it cannot be taken off a project again. null: none."
  type = object({
    client_id = string
    domains   = optional(list(string))
  })
  default = null
}

variable "sign_in_client_secret" {
  description = "Secret of sign_in's OAuth client: export TF_VAR_sign_in_client_secret."
  type        = string
  default     = null
  sensitive   = true
}

variable "site_id" {
  description = "Id of the page's site, unique in all of Firebase: its address is https://SITE_ID.web.app."
  type        = string
  nullable    = false
}

variable "weights_admins" {
  description = "Who may do everything with the bucket of the weights, beside the project's owners, such as group:ops@example.com."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "weights_writers" {
  description = "Who may upload weights, such as user:name@example.com."
  type        = list(string)
  default     = []
  nullable    = false
}
