# What the service runs as and reads. Made here, so that the pipeline needs no rights to give rights.
resource "google_service_account" "service" {
  project      = var.project.id
  account_id   = var.name
  display_name = "Runs the service ${var.name}"

  depends_on = [module.services]
}

module "weights" {
  source     = "../modules/weights-bucket"
  project_id = var.project.id
  name       = "${var.project.id}-weights"
  location   = var.region
  labels     = local.labels
  readers    = [google_service_account.service.member]
  writers    = var.weights_writers
  admins     = var.weights_admins
}

module "registry" {
  source     = "../modules/artifact-registry"
  project_id = var.project.id
  name       = var.name
  location   = var.region
  labels     = local.labels
  readers    = ["serviceAccount:${module.github.plan_account}"]
  writers    = ["serviceAccount:${module.github.deploy_account}"]

  depends_on = [module.services]
}

# The keys themselves are added by an operator, so that they are in no state: docs/operations.md. Older versions can be
# brought back for a week.
resource "google_secret_manager_secret" "api_keys" {
  project   = var.project.id
  secret_id = "${var.name}-api-keys"
  labels    = local.labels

  version_destroy_ttl = "604800s"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }

  depends_on = [module.services]
}

resource "google_secret_manager_secret_iam_binding" "api_keys" {
  project   = var.project.id
  secret_id = google_secret_manager_secret.api_keys.secret_id
  role      = "roles/secretmanager.secretAccessor"
  members   = [google_service_account.service.member]
}
