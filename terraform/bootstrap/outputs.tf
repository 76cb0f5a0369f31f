output "app_tfvars" {
  description = "What terraform/app needs of this: `terraform output -raw app_tfvars > ../app/bootstrap.auto.tfvars`."
  value       = <<-EOT
    # Made by terraform/bootstrap: its output app_tfvars.
    project_id     = ${jsonencode(var.project.id)}
    region         = ${jsonencode(var.region)}
    region_invited = ${jsonencode(var.region_invited)}
    name           = ${jsonencode(var.name)}
    platform       = ${jsonencode(local.platform)}
  EOT
}

output "backend" {
  description = "Where the state of this root belongs: `terraform output -raw backend > backend.tf`, then `terraform init -migrate-state`."
  value       = <<-EOT
    # Made by terraform/bootstrap: its output backend.
    terraform {
      backend "gcs" {
        bucket = ${jsonencode(google_storage_bucket.state.name)}
        prefix = "bootstrap"
      }
    }
  EOT
}

output "deploy_account" {
  description = "E-mail address of the account that the pipeline deploys as."
  value       = module.github.deploy_account
}

output "identity_provider" {
  description = "Full name of the workload identity provider, for google-github-actions/auth."
  value       = module.github.provider
}

output "image_address" {
  description = "Where images of the service are pushed to, without tag or digest."
  value       = "${module.registry.address}/${var.name}"
}

output "page_url" {
  description = "Address of the page."
  value       = module.page.url
}

output "plan_account" {
  description = "E-mail address of the account that the pipeline plans as."
  value       = module.github.plan_account
}

output "secret" {
  description = "Id of the secret that the access keys belong into."
  value       = google_secret_manager_secret.api_keys.secret_id
}

output "site_id" {
  description = "Id of the page's site."
  value       = module.page.site_id
}

output "state_bucket" {
  description = "Name of the bucket of both roots' state."
  value       = google_storage_bucket.state.name
}

output "weights_url" {
  description = "Address of the bucket that the weights belong into."
  value       = module.weights.url
}

locals {
  labels = merge({ app = var.name }, var.labels)

  platform = {
    channels        = module.budget.channels
    firebase        = module.page.config
    origins         = module.page.origins
    page            = { site_id = module.page.site_id, url = module.page.url }
    service_account = google_service_account.service.email
    subnetwork      = google_compute_subnetwork.service.name
    weights_bucket  = module.weights.name
  }
}
