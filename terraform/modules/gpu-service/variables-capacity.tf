variable "capacity" {
  description = "How much runs at once, and for how long. Of one instance: `concurrency` answers, `queue` requests that wait beyond those, and `watchers` more that follow a cold start or are told to come back. `deadline_s` is what the service gives an answer, `timeout_s` what Cloud Run gives the request, start of a container included. `max_instances` bounds the cost, up to `gpu_quota`, the project's quota in the region."
  type = object({
    concurrency   = optional(number, 8)
    queue         = optional(number, 24)
    watchers      = optional(number, 8)
    deadline_s    = optional(number, 300)
    timeout_s     = optional(number, 360)
    min_instances = optional(number, 0)
    max_instances = optional(number, 1)
    gpu_quota     = optional(number, 3)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for value in values(var.capacity) : floor(value) == value])
    error_message = "capacity takes whole numbers."
  }

  validation {
    condition     = var.capacity.concurrency >= 1 && var.capacity.concurrency <= 256
    error_message = "capacity.concurrency must be from 1 to 256, as the service takes it."
  }

  validation {
    condition     = var.capacity.queue >= 0 && var.capacity.queue <= 1024
    error_message = "capacity.queue must be from 0 to 1024, as the service takes it."
  }

  validation {
    condition     = var.capacity.watchers >= 1
    error_message = "capacity.watchers must be at least 1: with none, one request too many would wait in the platform and fail there, unreadable for a page."
  }

  validation {
    condition     = var.capacity.concurrency + var.capacity.queue + var.capacity.watchers <= 1000
    error_message = "capacity: concurrency, queue and watchers together must be at most 1000, Cloud Run's limit for one instance."
  }

  validation {
    condition     = var.capacity.deadline_s >= 1 && var.capacity.timeout_s >= 1 && var.capacity.timeout_s <= 3600
    error_message = "capacity.deadline_s and capacity.timeout_s must be at least 1, and timeout_s at most 3600, Cloud Run's limit."
  }

  validation {
    condition     = var.capacity.deadline_s <= var.capacity.timeout_s
    error_message = "capacity.deadline_s is above capacity.timeout_s: Cloud Run would cut the request off with a 504 that no page can read, before the service could say why. Raise timeout_s, which the start of a container counts against too, or lower deadline_s."
  }

  validation {
    condition     = var.capacity.min_instances >= 0 && var.capacity.max_instances >= 1
    error_message = "capacity.min_instances must be at least 0 and capacity.max_instances at least 1: unset, Cloud Run would start up to a hundred."
  }

  validation {
    condition     = var.capacity.min_instances <= var.capacity.max_instances
    error_message = "capacity.min_instances is above capacity.max_instances. Lower the one; 0 costs nothing while nobody speaks."
  }

  validation {
    condition     = var.capacity.max_instances <= var.capacity.gpu_quota
    error_message = "capacity.max_instances is above capacity.gpu_quota, the GPUs that the project may use in the region; Google starts at 3. Ask for more (scripts/preflight.py shows the quota), then set gpu_quota."
  }
}

variable "traffic" {
  description = "Which revisions get requests. By default the newest gets all. To try it first: `newest_percent` = 0 and `serving` = the revision that goes on serving; `newest_tag` gives the newest an address of its own. Then the percentage is raised."
  type = object({
    newest_percent = optional(number, 100)
    newest_tag     = optional(string, "newest")
    serving        = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.traffic.newest_percent >= 0 && var.traffic.newest_percent <= 100 && floor(var.traffic.newest_percent) == var.traffic.newest_percent
    error_message = "traffic.newest_percent must be a whole number from 0 to 100."
  }

  validation {
    condition     = var.traffic.newest_percent >= 100 || var.traffic.serving != null
    error_message = "traffic.newest_percent is under 100, so traffic.serving must name the revision that gets the rest: the output `revision` of the last apply."
  }

  validation {
    condition     = var.traffic.newest_percent < 100 || var.traffic.serving == null
    error_message = "traffic.newest_percent is 100, so nothing is left for traffic.serving: leave it out."
  }

  validation {
    condition     = var.traffic.serving == null || startswith(coalesce(var.traffic.serving, "-"), "${var.name}-")
    error_message = "traffic.serving must be a revision of this service: ${var.name}- and what follows it in `gcloud run revisions list`."
  }

  validation {
    condition     = var.traffic.newest_tag == null || can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", var.traffic.newest_tag)) && length("${var.name}${coalesce(var.traffic.newest_tag, "-")}") <= 46
    error_message = "traffic.newest_tag takes lowercase letters, digits and hyphens and starts with a letter; with the service's name it must be at most 46 characters, because both become one part of an address."
  }
}
