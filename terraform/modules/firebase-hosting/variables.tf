variable "app_check" {
  description = "App Check by reCAPTCHA Enterprise, for the sign-in: `site_key` of a key for the site's domain. UNENFORCED only counts, in Firebase's console. The page sends no tokens yet and the service verifies none, so ENFORCED is refused."
  type = object({
    site_key    = string
    token_ttl_s = optional(number, 3600)
    enforcement = optional(string, "UNENFORCED")
  })
  default = null

  validation {
    condition     = var.app_check == null || try(length(var.app_check.site_key) > 0, false)
    error_message = "app_check.site_key must be the key of reCAPTCHA Enterprise: `gcloud recaptcha keys list` shows it."
  }

  validation {
    condition     = var.app_check == null || try(var.app_check.token_ttl_s >= 1800 && var.app_check.token_ttl_s <= 604800, false)
    error_message = "app_check.token_ttl_s must be from 1800 (30 minutes) to 604800 (7 days)."
  }

  validation {
    condition     = var.app_check == null || try(contains(["OFF", "UNENFORCED"], var.app_check.enforcement), false)
    error_message = "app_check.enforcement must be OFF or UNENFORCED: the page sends no App Check tokens yet, so with ENFORCED nobody could sign in."
  }
}

variable "display_name" {
  description = "Name of the web app in Firebase's console."
  type        = string
  default     = "Kikitori"
  nullable    = false
}

variable "project_id" {
  description = "Id of the project. Firebase is added to it, which cannot be undone."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be an id (6 to 30 lowercase letters, digits and hyphens), not a number or a title; `gcloud projects list` shows both."
  }
}

variable "sign_in" {
  description = "Signing in with Google by Identity Platform, which cannot be taken off a project again: `client_id` of an OAuth client of type \"Web application\", and further `domains` that the page is served from. Who of those that sign in may call is the service's to check: `access.allowed_users` of gpu-service."
  type = object({
    client_id = string
    domains   = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.sign_in == null || can(regex("^[0-9]+-[a-z0-9]+\\.apps\\.googleusercontent\\.com$", var.sign_in.client_id))
    error_message = "sign_in.client_id must look like 123456789012-abc123.apps.googleusercontent.com: create an OAuth client of type \"Web application\" at https://console.cloud.google.com/auth/clients."
  }

  validation {
    condition     = var.sign_in == null || try(alltrue([for domain in var.sign_in.domains : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)*$", domain))]), false)
    error_message = "Each of sign_in.domains is a host without scheme, port and path, such as speech.example.com."
  }
}

variable "sign_in_client_secret" {
  description = "Secret of the OAuth client. It is stored in Terraform's state, which is why only operators read that."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.sign_in == null || try(length(var.sign_in_client_secret) > 0, false)
    error_message = "sign_in needs sign_in_client_secret: export TF_VAR_sign_in_client_secret=... rather than writing it into a file."
  }
}

variable "site_id" {
  description = "Id of the site, unique in all of Firebase: the page's address is https://SITE_ID.web.app."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{4,28})[a-z0-9]$", var.site_id))
    error_message = "site_id takes 6 to 30 lowercase letters, digits and hyphens, and starts and ends with a letter or digit."
  }
}
