mock_provider "google" {
  source = "../mocks"
}

mock_provider "google-beta" {
  source = "../mocks"
}

variables {
  project = { id = "my-project", number = "123456789012" }
  site_id = "my-project-speech"
  budget  = { billing_account = "012345-6789AB-CDEF01", units = 30, emails = ["ops@example.com"] }
  github  = { repository = { id = "123456789", owner_id = "1234567" } }
}

run "policy" {
  command = plan
}

run "state_is_kept_and_app_is_all_that_the_pipeline_reaches" {
  assert {
    condition = alltrue([
      google_storage_bucket.state.versioning[0].enabled,
      google_storage_bucket.state.public_access_prevention == "enforced",
      google_storage_bucket_iam_member.state_of_app["plan"].role == "roles/storage.objectViewer",
      google_storage_bucket_iam_member.state_of_app["deploy"].role == "roles/storage.objectUser",
      google_storage_bucket_iam_member.state_of_app["deploy"].condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/my-project-terraform/objects/app/\")",
    ])
    error_message = "The state is not safe."
  }
}

run "app_gets_what_it_needs" {
  assert {
    condition = alltrue([
      strcontains(output.app_tfvars, "project_id     = \"my-project\""),
      strcontains(output.app_tfvars, "\"weights_bucket\":\"my-project-weights\""),
      strcontains(output.app_tfvars, "\"page\":{\"site_id\":\"my-project-speech\",\"url\":\"https://my-project-speech.web.app\"}"),
      strcontains(output.app_tfvars, "\"subnetwork\":\"kikitori\""),
      strcontains(output.backend, "bucket = \"my-project-terraform\""),
      output.image_address == "asia-southeast1-docker.pkg.dev/my-project/kikitori/kikitori",
    ])
    error_message = "What app needs is not said: ${output.app_tfvars}"
  }
}
