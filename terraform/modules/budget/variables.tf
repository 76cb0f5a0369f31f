variable "amount" {
  description = "The monthly amount in whole units of `currency`; no currency is that of the billing account. `gcloud billing accounts describe ACCOUNT --format='value(currencyCode)'` shows it."
  type = object({
    units    = number
    currency = optional(string)
  })
  nullable = false

  validation {
    condition     = var.amount.units >= 1 && floor(var.amount.units) == var.amount.units
    error_message = "amount.units must be a whole number of at least 1: the budget has no cents."
  }

  validation {
    condition     = var.amount.currency == null || can(regex("^[A-Z]{3}$", var.amount.currency))
    error_message = "amount.currency must be the three capitals of the billing account's own currency, such as USD or JPY; leave it out and it is that one."
  }
}

variable "billing_account" {
  description = "Id of the billing account, such as 012345-6789AB-CDEF01; `gcloud billing accounts list` shows it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "billing_account must look like 012345-6789AB-CDEF01, without billingAccounts/ before it; `gcloud billing accounts list` shows it."
  }
}

variable "channels" {
  description = "Names of notification channels that exist already, such as projects/my-project/notificationChannels/123."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "Each channel is a full name: projects/PROJECT/notificationChannels/NUMBER; `gcloud beta monitoring channels list` shows them."
  }
}

variable "emails" {
  description = "Addresses that are told; each becomes a notification channel. With `channels`, at most five."
  type        = list(string)
  nullable    = false

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "Each of emails must be one address, such as ops@example.com."
  }

  validation {
    condition     = length(distinct(var.emails)) == length(var.emails)
    error_message = "An address is in emails twice."
  }

  validation {
    condition     = length(var.emails) + length(var.channels) <= 5
    error_message = "A budget tells at most five channels, and emails and channels together are more. Give the address of a group instead."
  }

  validation {
    condition     = length(var.emails) + length(var.channels) >= 1
    error_message = "Nobody would be told: give at least one of emails or channels."
  }
}

variable "labels" {
  description = "Labels of the topic and the channels."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Labels take lowercase letters, digits, _ and -, at most 63; a key starts with a letter."
  }
}

variable "name" {
  description = "Name of the budget, as the billing console shows it."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.name) >= 1 && length(var.name) <= 60
    error_message = "name takes 1 to 60 characters."
  }
}

variable "project_id" {
  description = "Id of the project that holds the topic and the channels."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be an id (6 to 30 lowercase letters, digits and hyphens), not a number or a title; `gcloud projects list` shows both."
  }
}

variable "project_number" {
  description = "Number of the project whose cost counts; `gcloud projects describe PROJECT --format='value(projectNumber)'` shows it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number must be the project's number, of digits alone, not its id: `gcloud projects describe PROJECT --format='value(projectNumber)'` shows it."
  }
}

variable "thresholds" {
  description = "Fractions of the amount at which somebody is told, 1.0 is all of it: of what was spent, and of what the month is forecast to cost."
  type = object({
    current  = optional(list(number), [0.5, 0.9, 1])
    forecast = optional(list(number), [1])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for fraction in concat(var.thresholds.current, var.thresholds.forecast) : fraction > 0 && fraction <= 5])
    error_message = "Thresholds are fractions above 0, where 1.0 is the whole amount: write 0.5 for 50 %."
  }

  validation {
    condition     = length(var.thresholds.current) + length(var.thresholds.forecast) >= 1
    error_message = "A budget without a threshold tells nobody anything: give at least one."
  }
}

variable "topic" {
  description = "Name of the Pub/Sub topic that gets every update of the budget."
  type        = string
  default     = "budget"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$", var.topic)) && !startswith(var.topic, "goog")
    error_message = "topic takes 3 to 255 letters, digits and . _ ~ + % -, starts with a letter and not with \"goog\"."
  }
}
