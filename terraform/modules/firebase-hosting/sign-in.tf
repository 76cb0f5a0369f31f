# Cannot be undone: Identity Platform stays enabled when this is destroyed.
resource "google_identity_platform_config" "this" {
  provider = google-beta
  count    = var.sign_in == null ? 0 : 1

  project                    = google_firebase_project.this.project
  autodelete_anonymous_users = true
  authorized_domains         = distinct(concat(local.own_domains, var.sign_in.domains))

  sign_in {
    allow_duplicate_emails = false

    anonymous {
      enabled = false
    }

    email {
      enabled = false
    }

    # Google answers with it, and what it answers with shows up in every plan.
    phone_number {
      enabled = false
    }
  }
}

resource "google_identity_platform_default_supported_idp_config" "google" {
  provider = google-beta
  count    = var.sign_in == null ? 0 : 1

  project       = google_identity_platform_config.this[0].project
  idp_id        = "google.com"
  client_id     = var.sign_in.client_id
  client_secret = var.sign_in_client_secret
  enabled       = true
}

locals {
  own_domains = distinct(["${var.project_id}.firebaseapp.com", "${var.site_id}.firebaseapp.com", "${var.site_id}.web.app"])
}
