mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  image      = "asia-southeast1-docker.pkg.dev/my-project/kikitori/kikitori@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  subnetwork = "kikitori"
  weights    = { bucket = "my-project-weights" }
}

run "defaults_cost_nothing_while_nobody_speaks" {
  command = plan

  assert {
    condition = alltrue([
      google_cloud_run_v2_service.this.location == "asia-southeast1",
      google_cloud_run_v2_service.this.scaling[0].min_instance_count == 0,
      google_cloud_run_v2_service.this.template[0].scaling[0].min_instance_count == 0,
      google_cloud_run_v2_service.this.scaling[0].max_instance_count == 1,
      google_cloud_run_v2_service.this.template[0].scaling[0].max_instance_count == 1,
      google_cloud_run_v2_service.this.deletion_protection,
      !google_cloud_run_v2_service.this.invoker_iam_disabled,
      length(google_cloud_run_v2_service.this.traffic) == 1,
      google_cloud_run_v2_service.this.traffic[0].percent == 100,
      output.environment["KIKITORI_MODEL"] == "gs://my-project-weights",
      output.environment["KIKITORI_LOG_FORMAT"] == "json",
    ])
    error_message = "The defaults are not those of a service that sleeps, alone, behind IAM."
  }
}

run "unknown_price_is_said" {
  command = plan

  assert {
    condition     = output.worst_case_usd_per_month == null && output.idle_usd_per_month == null && output.instance_usd_per_s == null
    error_message = "A cost was guessed."
  }

  assert {
    condition     = startswith(output.cost_note, "No price is known for gpu in asia-southeast1")
    error_message = "Nobody says why there is no cost: ${output.cost_note}"
  }

  assert {
    condition     = !contains(keys(output.environment), "KIKITORI_PRICE_USD_PER_S")
    error_message = "The service would estimate with a price that nobody knows."
  }
}

run "known_price_is_reckoned" {
  command = plan

  variables {
    region         = "us-central1"
    region_invited = true
    capacity       = { max_instances = 2 }
  }

  # (0.0001867 + 4 x 0.000018 + 16 x 0.000002) x 3600 x 730 x 2
  assert {
    condition     = output.worst_case_usd_per_month == 1527.92 && output.idle_usd_per_month == 0
    error_message = "The worst case is ${output.worst_case_usd_per_month}."
  }

  assert {
    condition     = output.environment["KIKITORI_PRICE_USD_PER_S"] == "0.0002907"
    error_message = "The service estimates with ${output.environment["KIKITORI_PRICE_USD_PER_S"]}."
  }
}

run "zonal_redundancy_has_its_price" {
  command = plan

  variables {
    region         = "us-central1"
    region_invited = true
    resources      = { zonal_redundancy = true }
  }

  assert {
    condition     = abs(output.instance_usd_per_s - 0.0003949) < 1e-12
    error_message = "The price is ${output.instance_usd_per_s}."
  }
}

run "own_account_may_read_weights_and_secrets_alone" {
  variables {
    access  = { public = true, auth = "api-key" }
    secrets = { KIKITORI_API_KEYS = { secret = "keys" } }
  }

  assert {
    condition = alltrue([
      google_service_account.this[0].account_id == "kikitori",
      google_storage_bucket_iam_member.service[0].bucket == "my-project-weights",
      google_storage_bucket_iam_member.service[0].role == "roles/storage.objectViewer",
      google_storage_bucket_iam_member.service[0].member == google_service_account.this[0].member,
      keys(google_secret_manager_secret_iam_member.service) == ["KIKITORI_API_KEYS"],
      google_secret_manager_secret_iam_member.service["KIKITORI_API_KEYS"].secret_id == "keys",
      google_secret_manager_secret_iam_member.service["KIKITORI_API_KEYS"].role == "roles/secretmanager.secretAccessor",
      google_cloud_run_v2_service.this.template[0].service_account == google_service_account.this[0].email,
      output.service_account == google_service_account.this[0].email,
      output.url == google_cloud_run_v2_service.this.uri,
      output.revision == "kikitori-00007-abc",
    ])
    error_message = "The account's rights are not those of the service."
  }
}

run "only_the_invokers_get_in" {
  command = plan

  variables {
    access = { invokers = ["group:speech@example.com"] }
  }

  assert {
    condition = alltrue([
      !google_cloud_run_v2_service.this.invoker_iam_disabled,
      google_cloud_run_v2_service_iam_binding.invokers[0].role == "roles/run.invoker",
      google_cloud_run_v2_service_iam_binding.invokers[0].members == toset(["group:speech@example.com"]),
    ])
    error_message = "Others than the invokers could get in."
  }
}

run "public_without_authentication_in_words" {
  command = plan

  variables {
    access          = { public = true }
    unauthenticated = "anyone may start the GPU at my cost"
  }

  assert {
    condition     = google_cloud_run_v2_service.this.invoker_iam_disabled && output.environment["KIKITORI_AUTH"] == "none"
    error_message = "What was said in words did not happen."
  }
}
