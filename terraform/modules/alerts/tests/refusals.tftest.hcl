mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  service    = "kikitori"
  channels   = ["projects/my-project/notificationChannels/1234567890"]
}

run "nobody_told" {
  command = plan

  variables {
    channels = []
  }

  expect_failures = [var.channels]
}

run "channel_by_address" {
  command = plan

  variables {
    channels = ["ops@example.com"]
  }

  expect_failures = [var.channels]
}

run "day_that_costs_nothing" {
  command = plan

  variables {
    cost_of_day = { usd = 0, usd_per_s = 0.0003 }
  }

  expect_failures = [var.cost_of_day]
}

run "cost_without_a_price" {
  command = plan

  variables {
    cost_of_day = { usd = 5, usd_per_s = null }
  }

  expect_failures = [var.cost_of_day]
}

run "error_rate_in_percent" {
  command = plan

  variables {
    error_rate = 5
  }

  expect_failures = [var.error_rate]
}

run "idle_for_days" {
  command = plan

  variables {
    idle_hours = 48
  }

  expect_failures = [var.idle_hours]
}

run "label_in_capitals" {
  command = plan

  variables {
    labels = { Team = "speech" }
  }

  expect_failures = [var.labels]
}

run "service_name_too_long" {
  command = plan

  variables {
    service = "ssssssssssssssssssssssssssssssssssssssssssssssssss"
  }

  expect_failures = [var.service]
}

run "project_by_number" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}
