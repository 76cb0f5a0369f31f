terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.40, < 9"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 7.40, < 9"
    }
  }
}

# Budgets and Firebase bill a person's requests to a project that must be named. Changes of one policy are sent together,
# which a block without `enable_batching` would end, and each change takes 3 s: half a minute of the first apply. So would
# the 3 s for which the provider gathers changes by default.
provider "google" {
  project               = var.project.id
  region                = var.region
  billing_project       = var.project.id
  user_project_override = true

  batching {
    enable_batching = true
    send_after      = "200ms"
  }
}

provider "google-beta" {
  project               = var.project.id
  region                = var.region
  billing_project       = var.project.id
  user_project_override = true

  batching {
    enable_batching = true
    send_after      = "200ms"
  }
}
