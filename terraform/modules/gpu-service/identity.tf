locals {
  own_account     = var.service_account == null
  service_account = local.own_account ? google_service_account.this[0].email : var.service_account
}

resource "google_service_account" "this" {
  count = local.own_account ? 1 : 0

  project      = var.project_id
  account_id   = var.name
  display_name = "Runs the service ${var.name}"
}

resource "google_storage_bucket_iam_member" "service" {
  count = local.own_account ? 1 : 0

  bucket = var.weights.bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.this[0].member
}

resource "google_secret_manager_secret_iam_member" "service" {
  for_each = { for name, secret in var.secrets : name => secret if local.own_account }

  project   = var.project_id
  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this[0].member
}

resource "google_cloud_run_v2_service_iam_binding" "invokers" {
  count = length(var.access.invokers) > 0 ? 1 : 0

  project  = var.project_id
  location = google_cloud_run_v2_service.this.location
  name     = google_cloud_run_v2_service.this.name
  role     = "roles/run.invoker"
  members  = var.access.invokers
}
