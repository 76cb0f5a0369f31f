variable "project_id" {
  description = "Id of the project, such as my-project."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be an id (6 to 30 lowercase letters, digits and hyphens), not a number or a title; `gcloud projects list` shows both."
  }
}

variable "services" {
  description = "APIs to enable, such as run.googleapis.com."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for service in var.services : can(regex("^[a-z][a-z0-9-]*\\.googleapis\\.com$", service))])
    error_message = "Each service needs its full name, such as run.googleapis.com; `gcloud services list --available` shows them."
  }
}
