mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id      = "my-project"
  project_number  = "123456789012"
  billing_account = "012345-6789AB-CDEF01"
  name            = "Kikitori"
  amount          = { units = 30 }
  emails          = ["ops@example.com"]
}

run "project_by_id" {
  command = plan

  variables {
    project_number = "my-project"
  }

  expect_failures = [var.project_number]
}

run "account_with_its_prefix" {
  command = plan

  variables {
    billing_account = "billingAccounts/012345-6789AB-CDEF01"
  }

  expect_failures = [var.billing_account]
}

run "six_channels" {
  command = plan

  variables {
    emails   = ["a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com"]
    channels = ["projects/my-project/notificationChannels/1"]
  }

  expect_failures = [var.emails]
}

run "nobody_told" {
  command = plan

  variables {
    emails = []
  }

  expect_failures = [var.emails]
}

run "address_that_is_none" {
  command = plan

  variables {
    emails = ["ops"]
  }

  expect_failures = [var.emails]
}

run "address_twice" {
  command = plan

  variables {
    emails = ["ops@example.com", "ops@example.com"]
  }

  expect_failures = [var.emails]
}

run "channel_by_number" {
  command = plan

  variables {
    channels = ["123"]
  }

  expect_failures = [var.channels]
}

run "amount_with_cents" {
  command = plan

  variables {
    amount = { units = 9.5 }
  }

  expect_failures = [var.amount]
}

run "currency_by_its_sign" {
  command = plan

  variables {
    amount = { units = 30, currency = "$" }
  }

  expect_failures = [var.amount]
}

run "threshold_in_percent" {
  command = plan

  variables {
    thresholds = { current = [50, 90] }
  }

  expect_failures = [var.thresholds]
}

run "no_threshold" {
  command = plan

  variables {
    thresholds = { current = [], forecast = [] }
  }

  expect_failures = [var.thresholds]
}

run "name_too_long" {
  command = plan

  variables {
    name = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  }

  expect_failures = [var.name]
}

run "topic_of_google" {
  command = plan

  variables {
    topic = "google-topic"
  }

  expect_failures = [var.topic]
}

run "label_in_capitals" {
  command = plan

  variables {
    labels = { Team = "speech" }
  }

  expect_failures = [var.labels]
}

run "project_by_number" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}
