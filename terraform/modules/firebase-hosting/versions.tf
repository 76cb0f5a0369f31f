terraform {
  required_version = ">= 1.9"

  required_providers {
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 7.40, < 9"
    }
  }
}
