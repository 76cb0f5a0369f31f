module "github" {
  source              = "../modules/github-identity"
  project_id          = var.project.id
  repository          = var.github.repository
  branch              = var.github.branch
  attribute_condition = var.github.attribute_condition

  # What terraform/app reads. No narrower role than logging.viewer reads the metrics of logs without changing them; it
  # reads log lines too, in which the service writes nothing of what was said.
  plan_roles = [
    "roles/compute.networkViewer",
    "roles/logging.viewer",
    "roles/monitoring.viewer",
    "roles/run.viewer",
  ]

  # What terraform/app writes, and the files of the page.
  deploy_roles = [
    "roles/compute.networkUser",
    "roles/containeranalysis.occurrences.viewer",
    "roles/firebasehosting.admin",
    "roles/logging.configWriter",
    "roles/monitoring.alertPolicyEditor",
    "roles/monitoring.viewer",
    "roles/run.admin",
  ]

  depends_on = [module.services]
}

# To start a service as an account, one must be allowed to act as it: as this one, and no other of the project.
resource "google_service_account_iam_binding" "deploys_as_service" {
  service_account_id = google_service_account.service.name
  role               = "roles/iam.serviceAccountUser"
  members            = ["serviceAccount:${module.github.deploy_account}"]
}
