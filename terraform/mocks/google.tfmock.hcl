# What Google would answer, where a random text would not do: other resources check the form of these.

mock_resource "google_service_account" {
  defaults = {
    email  = "account@my-project.iam.gserviceaccount.com"
    member = "serviceAccount:account@my-project.iam.gserviceaccount.com"
    name   = "projects/my-project/serviceAccounts/account@my-project.iam.gserviceaccount.com"
  }
}

mock_resource "google_monitoring_notification_channel" {
  defaults = {
    name = "projects/my-project/notificationChannels/1234567890"
  }
}

mock_resource "google_pubsub_topic" {
  defaults = {
    id = "projects/my-project/topics/budget"
  }
}

mock_resource "google_iam_workload_identity_pool" {
  defaults = {
    name = "projects/123456789012/locations/global/workloadIdentityPools/github"
  }
}

mock_resource "google_compute_network" {
  defaults = {
    id = "projects/my-project/global/networks/kikitori"
  }
}

mock_resource "google_cloud_run_v2_service" {
  defaults = {
    uri                   = "https://kikitori-abcdefghij-as.a.run.app"
    latest_ready_revision = "projects/my-project/locations/asia-southeast1/services/kikitori/revisions/kikitori-00007-abc"
  }
}

mock_data "google_compute_subnetwork" {
  defaults = {
    network                  = "https://www.googleapis.com/compute/v1/projects/my-project/global/networks/kikitori"
    self_link                = "https://www.googleapis.com/compute/v1/projects/my-project/regions/asia-southeast1/subnetworks/kikitori"
    private_ip_google_access = true
  }
}
