mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  services   = ["run.googleapis.com"]
}

run "project_by_number" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}

run "service_by_its_short_name" {
  command = plan

  variables {
    services = ["run"]
  }

  expect_failures = [var.services]
}
