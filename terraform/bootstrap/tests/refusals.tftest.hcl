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

run "project_by_number" {
  command = plan

  variables {
    project = { id = "123456789012", number = "123456789012" }
  }

  expect_failures = [var.project]
}

run "number_that_is_the_id" {
  command = plan

  variables {
    project = { id = "my-project", number = "my-project" }
  }

  expect_failures = [var.project]
}

run "region_without_a_gpu" {
  command = plan

  variables {
    region = "asia-northeast1"
  }

  expect_failures = [var.region]
}

run "name_too_short_for_an_account" {
  command = plan

  variables {
    name = "tiny"
  }

  expect_failures = [var.name]
}

run "addresses_of_others" {
  command = plan

  variables {
    address_range = "8.8.8.0/24"
  }

  expect_failures = [var.address_range]
}

run "too_few_addresses" {
  command = plan

  variables {
    address_range = "10.124.0.0/28"
  }

  expect_failures = [var.address_range]
}

run "region_by_invitation" {
  command = plan

  variables {
    region = "asia-south1"
  }

  expect_failures = [var.region]
}

run "addresses_from_the_middle_of_a_range" {
  command = plan

  variables {
    address_range = "10.124.0.5/26"
  }

  expect_failures = [var.address_range]
}
