variable "cleanup" {
  description = "Which images go: all that are older than `delete_after_days`, but never the `keep` newest of a name. `dry_run` only logs what would go."
  type = object({
    keep              = optional(number, 10)
    delete_after_days = optional(number, 90)
    dry_run           = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.cleanup.keep >= 1 && floor(var.cleanup.keep) == var.cleanup.keep
    error_message = "cleanup.keep must be a whole number of at least 1: with none kept, the image that serves would be deleted."
  }

  validation {
    condition     = var.cleanup.delete_after_days >= 1 && floor(var.cleanup.delete_after_days) == var.cleanup.delete_after_days
    error_message = "cleanup.delete_after_days must be a whole number of days, at least 1."
  }
}

variable "description" {
  description = "What the repository holds."
  type        = string
  default     = "Images of the service"
  nullable    = false
}

variable "labels" {
  description = "Labels of the repository."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Labels take lowercase letters, digits, _ and -, at most 63; a key starts with a letter."
  }
}

variable "location" {
  description = "Region, that of the service: an image that crosses regions starts slower and its transfer is billed."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.location))
    error_message = "location must be a region such as asia-southeast1: a multi-region (asia, eu, us) is slower and dearer for one service."
  }
}

variable "name" {
  description = "Id of the repository."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "name takes at most 63 lowercase letters, digits and hyphens, starts with a letter and ends with no hyphen."
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

variable "readers" {
  description = "Who may pull, all of them: members such as serviceAccount:name@project.iam.gserviceaccount.com. Cloud Run's own agent can without."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.readers : can(regex("^(user|group|domain|serviceAccount|principal|principalSet):.+", member))])
    error_message = "Each reader is a member such as serviceAccount:name@project.iam.gserviceaccount.com or group:ops@example.com; allUsers would publish the images."
  }
}

variable "scanning" {
  description = "Scan pushed images for known vulnerabilities, where containerscanning.googleapis.com is enabled; Google bills each scan."
  type        = bool
  default     = true
  nullable    = false
}

variable "writers" {
  description = "Who may push, all of them."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.writers : can(regex("^(user|group|serviceAccount|principal|principalSet):.+", member))])
    error_message = "Each writer is a member such as serviceAccount:name@project.iam.gserviceaccount.com; allUsers would let anyone replace the service."
  }
}
