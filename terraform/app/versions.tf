terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.40, < 9"
    }
  }

  # terraform init -backend-config=bucket=STATE_BUCKET
  backend "gcs" {
    prefix = "app"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}
