mock_provider "google" {
  source = "../mocks"
}

variables {
  project_id = "my-project"
  image      = "asia-southeast1-docker.pkg.dev/my-project/kikitori/kikitori@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  platform = {
    channels        = ["projects/my-project/notificationChannels/1234567890"]
    firebase        = { apiKey = "AIza0", appId = "1:2:web:3", authDomain = "my-project.firebaseapp.com", projectId = "my-project" }
    origins         = ["https://my-project-speech.web.app"]
    page            = { site_id = "my-project-speech", url = "https://my-project-speech.web.app" }
    service_account = "kikitori@my-project.iam.gserviceaccount.com"
    subnetwork      = "kikitori"
    weights_bucket  = "my-project-weights"
  }
}

run "policy" {
  command = plan
}

run "page_with_keys" {
  variables {
    access  = { public = true, auth = "api-key" }
    secrets = { KIKITORI_API_KEYS = { secret = "kikitori-api-keys" } }
  }

  assert {
    condition     = output.page_config == { service = "https://kikitori-abcdefghij-as.a.run.app", auth = "api-key" }
    error_message = "The page would be told ${jsonencode(output.page_config)}."
  }

  assert {
    condition     = output.environment["KIKITORI_CORS_ORIGINS"] == "https://my-project-speech.web.app"
    error_message = "The page could not call the service."
  }
}

run "pipeline_learns_what_is_deployed" {
  assert {
    condition     = output.cost.worst_case_usd_per_month == null && output.cost.idle_usd_per_month == null && strcontains(output.cost.note, "No price is known")
    error_message = "The cost would not be said to be unknown."
  }

  assert {
    condition = alltrue([
      output.image == var.image,
      output.project_id == "my-project",
      output.service == "projects/my-project/locations/asia-southeast1/services/kikitori",
      output.site_id == "my-project-speech",
      output.page_url == "https://my-project-speech.web.app",
    ])
    error_message = "The pipeline would look elsewhere."
  }
}

run "page_with_sign_in" {
  variables {
    access = { public = true, auth = "firebase", allowed_users = ["@example.com"] }
  }

  assert {
    condition     = output.page_config.firebase == var.platform.firebase
    error_message = "The page could not sign anybody in."
  }
}

run "price_of_ones_own_gives_costs_and_an_alert" {
  variables {
    price  = { gpu_usd_per_s = 0.0003 }
    alerts = { cost_of_day_usd = 5 }
  }

  # (0.0003 + 4 x 0.0000216 + 16 x 0.0000024) x 3600 x 730
  assert {
    condition     = output.worst_case_usd_per_month == 1116.37 && output.idle_usd_per_month == 0
    error_message = "The worst case is ${output.worst_case_usd_per_month}."
  }

  assert {
    condition     = contains(keys(module.alerts.policies), "cost_of_day")
    error_message = "Nobody is told of a dear day."
  }
}

run "unknown_price_is_said" {
  assert {
    condition     = output.worst_case_usd_per_month == null && output.idle_usd_per_month == null && strcontains(output.cost_note, "No price is known")
    error_message = "A cost was guessed."
  }
}
