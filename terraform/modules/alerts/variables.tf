variable "channels" {
  description = "Names of the notification channels that are told, such as projects/my-project/notificationChannels/123: the output `channels` of budget."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "Each channel is a full name: projects/PROJECT/notificationChannels/NUMBER; `gcloud beta monitoring channels list` shows them."
  }

  validation {
    condition     = length(var.channels) >= 1 && length(var.channels) <= 16
    error_message = "Give 1 to 16 channels: with none nobody is told, and Monitoring takes no more for one alert."
  }
}

variable "cost_of_day" {
  description = "Alert when a day costs more than `usd`, at `usd_per_s` US dollars for a second of an instance. null: no such alert."
  type = object({
    usd       = number
    usd_per_s = number
  })
  default = null

  validation {
    condition     = var.cost_of_day == null || try(var.cost_of_day.usd > 0, false)
    error_message = "cost_of_day.usd must be above 0."
  }

  validation {
    condition     = var.cost_of_day == null || try(var.cost_of_day.usd_per_s > 0 && var.cost_of_day.usd_per_s < 0.1, false)
    error_message = "cost_of_day.usd_per_s must be US dollars a second, above 0 and under 0.1. Where the region's price is not known, read it from the Billing Catalog first."
  }
}

variable "error_rate" {
  description = "Alert when more than this fraction of the requests fails."
  type        = number
  default     = 0.05
  nullable    = false

  validation {
    condition     = var.error_rate > 0 && var.error_rate < 1
    error_message = "error_rate is a fraction between 0 and 1: write 0.05 for 5 %."
  }
}

variable "idle_hours" {
  description = "Alert when an instance was billed for this many hours without a request."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.idle_hours >= 1 && var.idle_hours <= 23 && floor(var.idle_hours) == var.idle_hours
    error_message = "idle_hours must be a whole number from 1 to 23: an idle instance is kept for up to 15 minutes anyway, and Monitoring looks no further back."
  }
}

variable "labels" {
  description = "Labels of the alerts."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Labels take lowercase letters, digits, _ and -, at most 63; a key starts with a letter."
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

variable "service" {
  description = "Name of the Cloud Run service."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$", var.service))
    error_message = "service must be the name of a Cloud Run service: at most 49 lowercase letters, digits and hyphens."
  }
}
