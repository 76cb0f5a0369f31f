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

# Budgets and Firebase bill a person's requests to a project that must be named.
provider "google" {
  project               = var.project.id
  region                = var.region
  billing_project       = var.project.id
  user_project_override = true
}

provider "google-beta" {
  project               = var.project.id
  region                = var.region
  billing_project       = var.project.id
  user_project_override = true
}
