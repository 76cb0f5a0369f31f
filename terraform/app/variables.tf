# The defaults of the objects' parts are those of the modules: what is left out here is left out there.

variable "access" {
  description = "Who may call the service, see modules/gpu-service. `origins` are pages beside those that bootstrap made."
  type = object({
    public        = optional(bool)
    auth          = optional(string)
    invokers      = optional(list(string))
    allowed_users = optional(list(string))
    origins       = optional(list(string), [])
  })
  default  = {}
  nullable = false
}

variable "alerts" {
  description = "When to tell the budget's channels, see modules/alerts. `cost_of_day_usd` needs a price."
  type = object({
    idle_hours      = optional(number)
    error_rate      = optional(number)
    cost_of_day_usd = optional(number)
  })
  default  = {}
  nullable = false
}

variable "capacity" {
  description = "How much runs at once, and for how long, see modules/gpu-service."
  type = object({
    concurrency   = optional(number)
    queue         = optional(number)
    watchers      = optional(number)
    deadline_s    = optional(number)
    timeout_s     = optional(number)
    min_instances = optional(number)
    max_instances = optional(number)
    gpu_quota     = optional(number)
  })
  default  = {}
  nullable = false
}

variable "deletion_protection" {
  description = "Refuse to delete the service. To destroy it, apply with false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "image" {
  description = "The image by digest: LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256:DIGEST."
  type        = string
  nullable    = false
}

variable "labels" {
  description = "Labels of everything that takes some, beside app = name."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "name" {
  description = "Name of the service."
  type        = string
  default     = "kikitori"
  nullable    = false
}

variable "platform" {
  description = "What terraform/bootstrap made; its output app_tfvars has it."
  type = object({
    channels        = list(string)
    firebase        = object({ apiKey = string, appId = string, authDomain = string, projectId = string })
    origins         = list(string)
    page            = object({ site_id = string, url = string })
    service_account = string
    subnetwork      = string
    weights_bucket  = string
  })
  nullable = false
}

variable "price" {
  description = "US dollars a second, for a region whose prices modules/gpu-service/regions.json does not know."
  type = object({
    gpu_usd_per_s = optional(number)
    cpu_usd_per_s = optional(number)
    gib_usd_per_s = optional(number)
  })
  default  = {}
  nullable = false
}

variable "probes" {
  description = "How often the platform asks whether the process is up, see modules/gpu-service."
  type = object({
    startup  = optional(object({ period_s = optional(number), timeout_s = optional(number), failures = optional(number), window_s = optional(number) }))
    liveness = optional(object({ period_s = optional(number), timeout_s = optional(number), failures = optional(number) }))
  })
  default  = {}
  nullable = false
}

variable "project_id" {
  description = "Id of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Region with the GPU, that of bootstrap."
  type        = string
  default     = "asia-southeast1"
  nullable    = false
}

variable "region_invited" {
  description = "The project was invited to a region that gives out its GPUs by invitation."
  type        = bool
  default     = false
  nullable    = false
}

variable "resources" {
  description = "What an instance has, see modules/gpu-service."
  type = object({
    cpu              = optional(number)
    memory           = optional(string)
    gpu              = optional(string)
    cpu_idle         = optional(bool)
    zonal_redundancy = optional(bool)
  })
  default  = {}
  nullable = false
}

variable "secrets" {
  description = "Settings that come from Secret Manager, by name of the variable."
  type = map(object({
    secret  = string
    version = optional(string)
  }))
  default  = {}
  nullable = false
}

variable "settings" {
  description = "Further settings of the service, by name of the variable; docs/settings.md describes them."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "traffic" {
  description = "Which revisions get requests, see modules/gpu-service."
  type = object({
    newest_percent = optional(number)
    newest_tag     = optional(string)
    serving        = optional(string)
  })
  default  = {}
  nullable = false
}

variable "unauthenticated" {
  description = "To let everyone in without authentication, say so in these words: anyone may start the GPU at my cost."
  type        = string
  default     = ""
  nullable    = false
}

variable "weights_folder" {
  description = "Folder of the weights in the bucket, \"\" for the whole bucket."
  type        = string
  default     = ""
  nullable    = false
}
