mock_provider "google-beta" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  site_id    = "my-project-speech"
}

run "project_by_number" {
  command = plan

  variables {
    project_id = "123456789012"
  }

  expect_failures = [var.project_id]
}

run "site_too_long" {
  command = plan

  variables {
    site_id = "sssssssssssssssssssssssssssssss"
  }

  expect_failures = [var.site_id]
}

run "client_that_is_none" {
  command = plan

  variables {
    sign_in               = { client_id = "my-client" }
    sign_in_client_secret = "secret"
  }

  expect_failures = [var.sign_in]
}

run "sign_in_domain_with_scheme" {
  command = plan

  variables {
    sign_in               = { client_id = "123456789012-abc123.apps.googleusercontent.com", domains = ["https://speech.example.com"] }
    sign_in_client_secret = "secret"
  }

  expect_failures = [var.sign_in]
}

run "sign_in_without_secret" {
  command = plan

  variables {
    sign_in = { client_id = "123456789012-abc123.apps.googleusercontent.com" }
  }

  expect_failures = [var.sign_in_client_secret]
}

run "app_check_without_key" {
  command = plan

  variables {
    app_check = { site_key = "" }
  }

  expect_failures = [var.app_check]
}

run "app_check_tokens_of_a_minute" {
  command = plan

  variables {
    app_check = { site_key = "6Lc", token_ttl_s = 60 }
  }

  expect_failures = [var.app_check]
}

run "app_check_that_locks_everyone_out" {
  command = plan

  variables {
    app_check = { site_key = "6Lc", enforcement = "ENFORCED" }
  }

  expect_failures = [var.app_check]
}
