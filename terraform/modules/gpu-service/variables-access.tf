variable "access" {
  description = "Who may call. Not `public`: Google lets in `invokers` alone, before an instance starts. `public`: everyone reaches the service, which then checks `auth` itself (none, api-key, firebase). `allowed_users` are addresses and @domains of Google accounts that `firebase` lets in, `origins` the pages that may call from a browser."
  type = object({
    public        = optional(bool, false)
    auth          = optional(string, "none")
    invokers      = optional(list(string), [])
    allowed_users = optional(list(string), [])
    origins       = optional(list(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["none", "api-key", "firebase"], var.access.auth)
    error_message = "access.auth must be none, api-key or firebase."
  }

  validation {
    condition     = !var.access.public || var.access.auth != "none" || var.unauthenticated == "anyone may start the GPU at my cost"
    error_message = "The service would be public without authentication, and anyone could start the GPU at your cost. Set access.auth to api-key or firebase, or access.public to false; if it is meant, set unauthenticated = \"anyone may start the GPU at my cost\"."
  }

  validation {
    condition     = alltrue([for member in var.access.invokers : can(regex("^(user|group|domain|serviceAccount|principal|principalSet):.+", member))])
    error_message = "Each of access.invokers is a member such as user:name@example.com. allUsers and allAuthenticatedUsers would let anyone in: that is access.public, with its checks."
  }

  validation {
    condition     = !var.access.public || length(var.access.invokers) == 0
    error_message = "access.invokers means nothing where access.public lets everyone through: leave one of them out."
  }

  validation {
    condition     = alltrue([for origin in var.access.origins : can(regex("^https?://[^/\\s,*]+$", origin))])
    error_message = "Each of access.origins is scheme://host[:port] without a path, such as https://example.web.app."
  }

  validation {
    condition     = var.access.auth != "firebase" || length(var.access.allowed_users) > 0
    error_message = "access.auth is firebase, and without access.allowed_users everyone with a Google account could sign in: list addresses such as name@example.com or domains such as @example.com."
  }

  validation {
    condition     = var.access.auth == "firebase" || length(var.access.allowed_users) == 0
    error_message = "access.allowed_users counts only where access.auth is firebase; with ${var.access.auth} it would keep nobody out."
  }

  validation {
    condition     = alltrue([for user in var.access.allowed_users : can(regex("^[^@\\s,]*@[^@\\s,]+\\.[^@\\s,]+$", user))])
    error_message = "Each of access.allowed_users is an address such as name@example.com or a domain such as @example.com."
  }
}

variable "unauthenticated" {
  description = "To let everyone in without authentication, say so in these words: anyone may start the GPU at my cost."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = contains(["", "anyone may start the GPU at my cost"], var.unauthenticated)
    error_message = "unauthenticated takes exactly the words: anyone may start the GPU at my cost."
  }
}
