variable "admins" {
  description = "Who may do everything with the bucket, beside the project's owners. Whoever applies must be one or the other, or the bucket is closed to them."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.admins : can(regex("^(user|group|serviceAccount|principal|principalSet):.+", member))])
    error_message = "Each admin is a member such as group:ops@example.com; the bucket is never public."
  }
}

variable "keep_replaced_days" {
  description = "Days for which weights that were overwritten or deleted can be brought back."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.keep_replaced_days >= 1 && floor(var.keep_replaced_days) == var.keep_replaced_days
    error_message = "keep_replaced_days must be a whole number of at least 1: with 0, versions would be deleted as they are replaced."
  }
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Labels take lowercase letters, digits, _ and -, at most 63; a key starts with a letter."
  }
}

variable "location" {
  description = "Region, that of the service: weights that cross regions load slower and their transfer is billed."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.location))
    error_message = "location must be the service's region, such as asia-southeast1: a multi-region (asia, eu, us) loads slower."
  }
}

variable "name" {
  description = "Name of the bucket, unique in all of Google Cloud."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.name)) && !can(regex("goog", var.name))
    error_message = "name takes 3 to 63 lowercase letters, digits, - and _, starts and ends with a letter or digit, and never has \"goog\" in it."
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
  description = "Who may read the weights: the service's account, and nobody else where the weights are not free."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for member in var.readers : can(regex("^(user|group|serviceAccount|principal|principalSet):.+", member))])
    error_message = "Each reader is a member such as serviceAccount:name@project.iam.gserviceaccount.com; the bucket is never public."
  }
}

variable "writers" {
  description = "Who may upload weights."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.writers : can(regex("^(user|group|serviceAccount|principal|principalSet):.+", member))])
    error_message = "Each writer is a member such as user:name@example.com; whoever can write the weights decides what the service says."
  }
}
