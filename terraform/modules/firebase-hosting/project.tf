# Cannot be undone: a project that Firebase was added to keeps it.
resource "google_firebase_project" "this" {
  provider = google-beta
  project  = var.project_id
}

resource "google_firebase_web_app" "this" {
  provider        = google-beta
  project         = google_firebase_project.this.project
  display_name    = var.display_name
  deletion_policy = "DELETE"
}

data "google_firebase_web_app_config" "this" {
  provider   = google-beta
  project    = var.project_id
  web_app_id = google_firebase_web_app.this.app_id
}

# Its files are deployed by firebase-tools: the provider's versions know redirects and headers, no files.
resource "google_firebase_hosting_site" "this" {
  provider = google-beta
  project  = google_firebase_project.this.project
  site_id  = var.site_id
  app_id   = google_firebase_web_app.this.app_id
}
