mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  name       = "kikitori"
  location   = "asia-southeast1"
}

run "keeps_none" {
  command = plan

  variables {
    cleanup = { keep = 0 }
  }

  expect_failures = [var.cleanup]
}

run "deletes_at_once" {
  command = plan

  variables {
    cleanup = { delete_after_days = 0 }
  }

  expect_failures = [var.cleanup]
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
    location = "asia"
  }

  expect_failures = [var.location]
}

run "name_too_long" {
  command = plan

  variables {
    name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  }

  expect_failures = [var.name]
}

run "public_images" {
  command = plan

  variables {
    readers = ["allUsers"]
  }

  expect_failures = [var.readers]
}

run "everyone_pushes" {
  command = plan

  variables {
    writers = ["allAuthenticatedUsers"]
  }

  expect_failures = [var.writers]
}

run "project_by_number" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}
