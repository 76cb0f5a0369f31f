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

# Budgets and Firebase bill a person's requests to a project that must be named. Changes of one policy are sent together:
# the 3 s for which the provider gathers them by default add up to half a minute of a whole life here.
provider "google" {
  project               = var.project.id
  region                = var.region
  billing_project       = var.project.id
  user_project_override = true

  batching {
    send_after = "200ms"
  }
}

provider "google-beta" {
  project               = var.project.id
  region                = var.region
  billing_project       = var.project.id
  user_project_override = true

  batching {
    send_after = "200ms"
  }
}
