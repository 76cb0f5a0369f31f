# Terraform's state of both roots: bootstrap/ and app/. The two identities of the pipeline read that of app. Beside them,
# Google lets the project's owners, editors and viewers read a new bucket, and so this one: bootstrap's state holds a
# secret, so give nobody a basic role who must not know it.
resource "google_storage_bucket" "state" {
  project       = var.project.id
  name          = "${var.project.id}-terraform"
  location      = var.region
  storage_class = "STANDARD"
  labels        = local.labels

  force_destroy               = false
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  # A state that was written wrongly can be brought back.
  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      num_newer_versions         = 10
      days_since_noncurrent_time = 90
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [module.services]
}

locals {
  state_of_app = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.state.name}/objects/app/\")"
}

# To choose a workspace Terraform lists the bucket, and a condition on names cannot allow a list.
resource "google_storage_bucket_iam_member" "state_lister" {
  for_each = { plan = module.github.plan_account, deploy = module.github.deploy_account }

  bucket = google_storage_bucket.state.name
  role   = "roles/storage.legacyBucketReader"
  member = "serviceAccount:${each.value}"
}

resource "google_storage_bucket_iam_member" "state_of_app" {
  for_each = {
    plan   = { account = module.github.plan_account, role = "roles/storage.objectViewer" }
    deploy = { account = module.github.deploy_account, role = "roles/storage.objectUser" }
  }

  bucket = google_storage_bucket.state.name
  role   = each.value.role
  member = "serviceAccount:${each.value.account}"

  condition {
    title      = "state of app"
    expression = local.state_of_app
  }
}
