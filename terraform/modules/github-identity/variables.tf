locals {
  texts = "/\"[^\"]*\"|'[^']*'/"
  pairs = "/\\([^][()]*\\)|\\[[^][()]*\\]/"
}

variable "attribute_condition" {
  description = "What a token must fulfil beyond coming from the repository and the branch, in CEL, such as assertion.actor_id == \"123\". It can only narrow."
  type        = string
  default     = null

  validation {
    condition     = var.attribute_condition == null || can(regex("assertion\\.[a-z_]+", var.attribute_condition))
    error_message = "attribute_condition says nothing about the token (such as \"true\"), so it would let in everyone that it could. Name a claim, such as assertion.actor_id == \"123\", or leave it out."
  }

  validation {
    condition     = var.attribute_condition == null || !can(regex("\\|\\||[?\\n]|//", var.attribute_condition))
    error_message = "attribute_condition must not have ||, ?, // or a line end: with them it could let in what the pins on repository and branch keep out. Use `in [...]` for alternatives."
  }

  # Texts go first, then pairs of parentheses and brackets, the innermost first: nothing of either is left, if all close.
  validation {
    condition     = alltrue([for bare in [replace(coalesce(var.attribute_condition, "none"), local.texts, "")] : !can(regex("[][()\"'\\\\]", replace(replace(replace(replace(bare, local.pairs, ""), local.pairs, ""), local.pairs, ""), local.pairs, "")))])
    error_message = "attribute_condition has a quote, parenthesis or bracket that nothing closes or opens, more than four of them within each other, or a backslash: Google would refuse the provider, or read it otherwise than it looks."
  }
}

variable "branch" {
  description = "The branch that deploys."
  type        = string
  default     = "main"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.branch)) && !startswith(var.branch, "refs/")
    error_message = "branch must be the name of one branch, such as main: without refs/heads/ and without *."
  }
}

variable "deploy_roles" {
  description = "Roles in the project of the identity that deploys. None that sees or changes billing, none that changes rights in the project."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for role in var.deploy_roles : can(regex("^(roles/|projects/[^/]+/roles/)[A-Za-z0-9_.]+$", role))])
    error_message = "Each of deploy_roles is a full name such as roles/run.admin."
  }

  validation {
    condition     = length(setintersection(var.deploy_roles, ["roles/owner", "roles/editor", "roles/viewer", "roles/admin", "roles/writer", "roles/reader"])) == 0
    error_message = "deploy_roles must not have a basic role (owner, editor, viewer): they hold thousands of rights. Name the services' own roles, such as roles/run.admin."
  }

  validation {
    condition     = alltrue([for role in var.deploy_roles : !can(regex("^roles/(billing|consumerprocurement|iam|resourcemanager)\\.", role))])
    error_message = "deploy_roles must have no rights on billing, and none by which the pipeline could give itself more: no roles/billing.*, roles/consumerprocurement.*, roles/iam.* or roles/resourcemanager.*. Let an operator's bootstrap do that; to act as an account, give roles/iam.serviceAccountUser on that account alone."
  }

  validation {
    condition     = length(setintersection(var.deploy_roles, ["roles/compute.admin", "roles/firebase.admin", "roles/secretmanager.admin", "roles/storage.admin"])) == 0
    error_message = "deploy_roles must not administer networks, buckets, secrets or Firebase as a whole: roles/compute.admin, roles/firebase.admin, roles/secretmanager.admin and roles/storage.admin reach the state, the keys and the weights. Name a narrower role, such as roles/firebasehosting.admin, or give one on the resource alone."
  }
}

variable "plan_roles" {
  description = "Roles in the project of the identity that plans. They only read, so plans run with -lock=false."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(setintersection(var.plan_roles, ["roles/owner", "roles/editor", "roles/viewer", "roles/admin", "roles/writer", "roles/reader"])) == 0
    error_message = "plan_roles must not have a basic role (owner, editor, viewer): roles/viewer reads data too. Name the services' own viewer roles, such as roles/run.viewer."
  }

  validation {
    condition     = alltrue([for role in var.plan_roles : can(regex("^roles/[A-Za-z0-9.]*([vV]iewer|[rR]eader|[rR]eviewer)$", role))])
    error_message = "plan_roles must only read: predefined roles whose name ends in viewer, reader or reviewer, such as roles/run.viewer. A plan runs code of a pull request that nobody has reviewed."
  }

  validation {
    condition     = alltrue([for role in var.plan_roles : !can(regex("^roles/(billing\\.|storage\\.object|secretmanager\\.secretAccessor)", role))])
    error_message = "plan_roles must not read billing, or objects of all buckets: give roles/storage.objectViewer on the state bucket alone."
  }
}

variable "pool_id" {
  description = "Id of the workload identity pool. A deleted one keeps its id for 30 days."
  type        = string
  default     = "github"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9-]{4,32}$", var.pool_id)) && !startswith(var.pool_id, "gcp-")
    error_message = "pool_id takes 4 to 32 lowercase letters, digits and hyphens, and does not start with gcp-."
  }
}

variable "prefix" {
  description = "What the two accounts' ids start with: PREFIX-plan and PREFIX-deploy."
  type        = string
  default     = "github"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,22}$", var.prefix))
    error_message = "prefix takes at most 23 lowercase letters, digits and hyphens and starts with a letter: with -deploy it is an account's id of at most 30."
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

variable "provider_id" {
  description = "Id of the pool's provider."
  type        = string
  default     = "github-actions"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9-]{4,32}$", var.provider_id)) && !startswith(var.provider_id, "gcp-")
    error_message = "provider_id takes 4 to 32 lowercase letters, digits and hyphens, and does not start with gcp-."
  }
}

variable "repository" {
  description = "Numeric ids of the repository and its owner: `gh api repos/OWNER/NAME --jq '.id, .owner.id'` shows both."
  type = object({
    id       = string
    owner_id = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[1-9][0-9]*$", var.repository.id)) && can(regex("^[1-9][0-9]*$", var.repository.owner_id))
    error_message = "repository.id and repository.owner_id must be numbers, not names: a name can be given up and registered by somebody else. `gh api repos/OWNER/NAME --jq '.id, .owner.id'` shows them."
  }
}
