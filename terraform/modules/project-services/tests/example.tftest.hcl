mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  services   = ["run.googleapis.com", "storage.googleapis.com"]
}

run "example" {
  command = plan

  assert {
    condition     = toset(keys(google_project_service.this)) == var.services
    error_message = "Other services than those would be enabled."
  }

  assert {
    condition     = alltrue([for service in google_project_service.this : service.project == var.project_id && !service.disable_on_destroy])
    error_message = "Services of another project, or that are disabled again."
  }
}
