mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id         = "my-project"
  name               = "my-project-weights"
  location           = "asia-southeast1"
  labels             = { app = "kikitori" }
  keep_replaced_days = 7
  readers            = ["serviceAccount:kikitori@my-project.iam.gserviceaccount.com"]
  writers            = ["user:ops@example.com"]
  admins             = ["group:ops@example.com"]
}

run "example" {
  command = plan

  assert {
    condition = alltrue([
      google_storage_bucket.this.project == var.project_id,
      google_storage_bucket.this.name == var.name,
      google_storage_bucket.this.location == var.location,
      google_storage_bucket.this.labels["app"] == var.labels["app"],
      google_storage_bucket.this.versioning[0].enabled,
      google_storage_bucket.this.uniform_bucket_level_access,
      google_storage_bucket.this.public_access_prevention == "enforced",
      !google_storage_bucket.this.force_destroy,
      [for rule in google_storage_bucket.this.lifecycle_rule : one(rule.condition).days_since_noncurrent_time if one(rule.action).type == "Delete"] == [var.keep_replaced_days],
    ])
    error_message = "The bucket is not what was asked for."
  }

  assert {
    condition = { for binding in jsondecode(google_storage_bucket_iam_policy.this.policy_data).bindings : binding.role => tolist(binding.members) } == {
      "roles/storage.admin"        = tolist(concat(var.admins, ["projectOwner:my-project"]))
      "roles/storage.objectUser"   = var.writers
      "roles/storage.objectViewer" = var.readers
    }
    error_message = "Others could read or write the weights."
  }
}

run "owners_keep_the_bucket_and_the_service_alone_reads" {
  command = plan

  variables {
    writers = []
    admins  = []
  }

  assert {
    condition = { for binding in jsondecode(google_storage_bucket_iam_policy.this.policy_data).bindings : binding.role => tolist(binding.members) } == {
      "roles/storage.admin"        = tolist(["projectOwner:my-project"])
      "roles/storage.objectViewer" = var.readers
    }
    error_message = "Others could read the weights, or nobody could keep them: ${google_storage_bucket_iam_policy.this.policy_data}"
  }
}
