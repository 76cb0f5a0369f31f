mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "my-project"
  image      = "asia-southeast1-docker.pkg.dev/my-project/kikitori/kikitori@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  subnetwork = "kikitori"
  weights    = { bucket = "my-project-weights" }
}

run "gpu_with_two_cpus" {
  command = plan

  variables {
    resources = { cpu = 2 }
  }

  expect_failures = [var.resources]
}

run "gpu_with_five_cpus" {
  command = plan

  variables {
    resources = { cpu = 5 }
  }

  expect_failures = [var.resources]
}

run "gpu_with_4_gib" {
  command = plan

  variables {
    resources = { memory = "4Gi" }
  }

  expect_failures = [var.resources]
}

run "gpu_with_memory_that_four_cpus_cannot_have" {
  command = plan

  variables {
    resources = { memory = "32Gi" }
  }

  expect_failures = [var.resources]
}

run "memory_in_other_units" {
  command = plan

  variables {
    resources = { memory = "16384Mi" }
  }

  expect_failures = [var.resources]
}

run "gpu_that_is_not_known" {
  command = plan

  variables {
    resources = { gpu = "nvidia-t4" }
  }

  expect_failures = [var.resources]
}

run "gpu_with_request_based_billing" {
  command = plan

  variables {
    resources = { cpu_idle = true }
  }

  expect_failures = [var.resources]
}

run "region_without_the_gpu" {
  command = plan

  variables {
    region = "asia-northeast1"
  }

  expect_failures = [var.region]
}

run "region_by_invitation" {
  command = plan

  variables {
    region = "asia-south1"
  }

  expect_failures = [var.region]
}

run "min_above_max" {
  command = plan

  variables {
    capacity = { min_instances = 2, max_instances = 1 }
  }

  expect_failures = [var.capacity]
}

run "no_instance" {
  command = plan

  variables {
    capacity = { max_instances = 0 }
  }

  expect_failures = [var.capacity]
}

run "max_above_quota" {
  command = plan

  variables {
    capacity = { max_instances = 4 }
  }

  expect_failures = [var.capacity]
}

run "deadline_above_timeout" {
  command = plan

  variables {
    capacity = { deadline_s = 400, timeout_s = 300 }
  }

  expect_failures = [var.capacity]
}

run "timeout_above_an_hour" {
  command = plan

  variables {
    capacity = { timeout_s = 3601 }
  }

  expect_failures = [var.capacity]
}

run "concurrency_of_none" {
  command = plan

  variables {
    capacity = { concurrency = 0 }
  }

  expect_failures = [var.capacity]
}

run "queue_below_zero" {
  command = plan

  variables {
    capacity = { queue = -1 }
  }

  expect_failures = [var.capacity]
}

run "nobody_may_watch" {
  command = plan

  variables {
    capacity = { watchers = 0 }
  }

  expect_failures = [var.capacity]
}

run "more_requests_than_an_instance_takes" {
  command = plan

  variables {
    capacity = { concurrency = 200, queue = 900 }
  }

  expect_failures = [var.capacity]
}

run "half_an_instance" {
  command = plan

  variables {
    capacity = { max_instances = 1.5 }
  }

  expect_failures = [var.capacity]
}

run "probe_less_often_than_google_asks" {
  command = plan

  variables {
    probes = { startup = { period_s = 241, failures = 1, window_s = 300 } }
  }

  expect_failures = [var.probes]
}

run "probe_that_overlaps_the_next" {
  command = plan

  variables {
    probes = { startup = { period_s = 2, timeout_s = 2 } }
  }

  expect_failures = [var.probes]
}

run "probe_that_never_fails" {
  command = plan

  variables {
    probes = { liveness = { failures = 0 } }
  }

  expect_failures = [var.probes]
}

run "startup_window_longer_than_any" {
  command = plan

  variables {
    probes = { startup = { window_s = 1801 } }
  }

  expect_failures = [var.probes]
}

run "startup_probe_longer_than_its_window" {
  command = plan

  variables {
    probes = { startup = { period_s = 10, failures = 25 } }
  }

  expect_failures = [var.probes]
}

run "liveness_probe_that_takes_too_long" {
  command = plan

  variables {
    probes = { liveness = { period_s = 100, failures = 3 } }
  }

  expect_failures = [var.probes]
}

run "image_by_tag" {
  command = plan

  variables {
    image = "asia-southeast1-docker.pkg.dev/my-project/kikitori/kikitori:latest"
  }

  expect_failures = [var.image]
}

run "image_by_tag_and_digest" {
  command = plan

  variables {
    image = "asia-southeast1-docker.pkg.dev/my-project/kikitori/kikitori:latest@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  }

  expect_failures = [var.image]
}

run "image_of_another_registry" {
  command = plan

  variables {
    image = "ghcr.io/somebody/kikitori@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  }

  expect_failures = [var.image]
}

run "public_without_authentication" {
  command = plan

  variables {
    access = { public = true }
  }

  expect_failures = [var.access]
}

run "authentication_that_is_not_known" {
  command = plan

  variables {
    access = { auth = "password" }
  }

  expect_failures = [var.access]
}

run "all_users_as_invokers" {
  command = plan

  variables {
    access = { invokers = ["allUsers"] }
  }

  expect_failures = [var.access]
}

run "public_with_invokers" {
  command = plan

  variables {
    access = { public = true, auth = "firebase", allowed_users = ["@example.com"], invokers = ["group:speech@example.com"] }
  }

  expect_failures = [var.access]
}

run "origin_with_a_path" {
  command = plan

  variables {
    access = { origins = ["https://example.web.app/"] }
  }

  expect_failures = [var.access]
}

run "every_google_account" {
  command = plan

  variables {
    access = { public = true, auth = "firebase" }
  }

  expect_failures = [var.access]
}

run "allowed_users_that_nobody_checks" {
  command = plan

  variables {
    access = { allowed_users = ["somebody@example.com"] }
  }

  expect_failures = [var.access]
}

run "allowed_user_without_domain" {
  command = plan

  variables {
    access = { auth = "firebase", allowed_users = ["somebody"] }
  }

  expect_failures = [var.access]
}

run "unauthenticated_in_other_words" {
  command = plan

  variables {
    unauthenticated = "yes"
  }

  expect_failures = [var.unauthenticated]
}

run "api_key_without_keys" {
  command = plan

  variables {
    access = { auth = "api-key" }
  }

  expect_failures = [var.secrets]
}

run "secret_that_the_service_does_not_know" {
  command = plan

  variables {
    secrets = { KIKITORI_PASSWORD = { secret = "password" } }
  }

  expect_failures = [var.secrets]
}

run "secret_by_its_full_name" {
  command = plan

  variables {
    secrets = { HF_TOKEN = { secret = "projects/1/secrets/token" } }
  }

  expect_failures = [var.secrets]
}

run "keys_at_a_version_that_their_next_change_disables" {
  command = plan

  variables {
    secrets = { KIKITORI_API_KEYS = { secret = "kikitori-api-keys", version = "2" } }
  }

  expect_failures = [var.secrets]
}

run "secret_version_that_is_none" {
  command = plan

  variables {
    secrets = { HF_TOKEN = { secret = "token", version = "newest" } }
  }

  expect_failures = [var.secrets]
}

run "setting_that_is_misspelt" {
  command = plan

  variables {
    settings = { KIKITORI_QUANTISATION = "int8" }
  }

  expect_failures = [var.settings]
}

run "upload_larger_than_google_takes" {
  command = plan

  variables {
    settings = { KIKITORI_MAX_UPLOAD_MB = "64" }
  }

  expect_failures = [var.settings]
}

run "quantization_that_is_not_known" {
  command = plan

  variables {
    settings = { KIKITORI_QUANTIZATION = "int2" }
  }

  expect_failures = [var.settings]
}

run "precision_that_is_not_known" {
  command = plan

  variables {
    settings = { KIKITORI_DTYPE = "int8" }
  }

  expect_failures = [var.settings]
}

run "cache_without_room_for_the_answers" {
  command = plan

  variables {
    settings = { KIKITORI_CACHE_TOKENS = "1280" }
  }

  expect_failures = [var.settings]
}

run "audio_of_no_length" {
  command = plan

  variables {
    settings = { KIKITORI_MAX_AUDIO_S = "0" }
  }

  expect_failures = [var.settings]
}

run "default_account" {
  command = plan

  variables {
    service_account = "123456789012-compute@developer.gserviceaccount.com"
  }

  expect_failures = [var.service_account]
}

run "name_too_long" {
  command = plan

  variables {
    name            = "a-service-whose-name-is-longer-than-google-accepts"
    service_account = "kikitori@my-project.iam.gserviceaccount.com"
    traffic         = { newest_tag = null }
  }

  expect_failures = [var.name]
}

run "name_too_short_for_an_account" {
  command = plan

  variables {
    name = "tiny"
  }

  expect_failures = [var.name]
}

run "label_in_capitals" {
  command = plan

  variables {
    labels = { Team = "speech" }
  }

  expect_failures = [var.labels]
}

run "label_of_google" {
  command = plan

  variables {
    labels = { goog-managed = "yes" }
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

run "price_of_an_hour" {
  command = plan

  variables {
    price = { gpu_usd_per_s = 0.67 }
  }

  expect_failures = [var.price]
}

run "subnetwork_by_its_full_name" {
  command = plan

  variables {
    subnetwork = "projects/my-project/regions/asia-southeast1/subnetworks/kikitori"
  }

  expect_failures = [var.subnetwork]
}

run "weights_by_their_address" {
  command = plan

  variables {
    weights = { bucket = "gs://my-project-weights" }
  }

  expect_failures = [var.weights]
}

run "weights_folder_with_a_slash" {
  command = plan

  variables {
    weights = { bucket = "my-project-weights", folder = "/qwen/" }
  }

  expect_failures = [var.weights]
}

run "more_than_all_traffic" {
  command = plan

  variables {
    traffic = { newest_percent = 101 }
  }

  expect_failures = [var.traffic]
}

run "part_of_the_traffic_for_nobody" {
  command = plan

  variables {
    traffic = { newest_percent = 10 }
  }

  expect_failures = [var.traffic]
}

run "all_traffic_and_another_revision" {
  command = plan

  variables {
    traffic = { serving = "kikitori-00007-abc" }
  }

  expect_failures = [var.traffic]
}

run "revision_of_another_service" {
  command = plan

  variables {
    traffic = { newest_percent = 0, serving = "other-00007-abc" }
  }

  expect_failures = [var.traffic]
}

run "tag_too_long_for_an_address" {
  command = plan

  variables {
    traffic = { newest_tag = "a-tag-that-is-much-too-long-for-an-address" }
  }

  expect_failures = [var.traffic]
}

run "subnetwork_without_a_way_to_google" {
  command = plan

  override_data {
    target = data.google_compute_subnetwork.this
    values = {
      private_ip_google_access = false
    }
  }

  expect_failures = [data.google_compute_subnetwork.this]
}

run "no_revision_that_ever_was_ready" {
  override_resource {
    target = google_cloud_run_v2_service.this
    values = {
      latest_ready_revision = ""
    }
  }

  expect_failures = [google_cloud_run_v2_service.this]
}

run "no_upload_at_all" {
  command = plan

  variables {
    settings = { KIKITORI_MAX_UPLOAD_MB = "0" }
  }

  expect_failures = [var.settings]
}
