resource "google_storage_bucket" "this" {
  project       = var.project_id
  name          = var.name
  location      = var.location
  storage_class = "STANDARD"
  labels        = var.labels

  force_destroy               = false
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time              = var.keep_replaced_days
      send_days_since_noncurrent_time_if_zero = true
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
}

# All of the bucket's policy: Google gives a new bucket's objects to the project's viewers and editors too. The project's
# owners get back what they had, or nobody could change the bucket again: roles/owner alone has no rights on a bucket's
# settings and policy (https://cloud.google.com/storage/docs/access-control/iam-roles).
resource "google_storage_bucket_iam_policy" "this" {
  bucket = google_storage_bucket.this.name
  policy_data = jsonencode({
    bindings = [
      for role, members in {
        "roles/storage.admin"        = concat(["projectOwner:${var.project_id}"], var.admins)
        "roles/storage.objectUser"   = var.writers
        "roles/storage.objectViewer" = var.readers
      } : { role = role, members = sort(members) } if length(members) > 0
    ]
  })
}
