mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  name       = "my-project-weights"
  location   = "asia-southeast1"
  readers    = ["serviceAccount:kikitori@my-project.iam.gserviceaccount.com"]
}

run "public_admins" {
  command = plan

  variables {
    admins = ["allUsers"]
  }

  expect_failures = [var.admins]
}

run "public_readers" {
  command = plan

  variables {
    readers = ["allUsers"]
  }

  expect_failures = [var.readers]
}

run "public_writers" {
  command = plan

  variables {
    writers = ["allAuthenticatedUsers"]
  }

  expect_failures = [var.writers]
}

run "replaced_versions_go_at_once" {
  command = plan

  variables {
    keep_replaced_days = 0
  }

  expect_failures = [var.keep_replaced_days]
}

run "label_in_capitals" {
  command = plan

  variables {
    labels = { Team = "speech" }
  }

  expect_failures = [var.labels]
}

run "multi_region" {
  command = plan

  variables {
    location = "ASIA"
  }

  expect_failures = [var.location]
}

run "name_with_google_in_it" {
  command = plan

  variables {
    name = "my-google-weights"
  }

  expect_failures = [var.name]
}

run "project_by_number" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}
