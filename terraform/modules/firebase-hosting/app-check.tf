resource "google_firebase_app_check_recaptcha_enterprise_config" "this" {
  provider = google-beta
  count    = var.app_check == null ? 0 : 1

  project   = google_firebase_project.this.project
  app_id    = google_firebase_web_app.this.app_id
  site_key  = var.app_check.site_key
  token_ttl = "${var.app_check.token_ttl_s}s"
}

# App Check guards Google's own services, here the sign-in.
resource "google_firebase_app_check_service_config" "sign_in" {
  provider = google-beta
  count    = var.app_check != null && var.sign_in != null ? 1 : 0

  project          = google_firebase_app_check_recaptcha_enterprise_config.this[0].project
  service_id       = "identitytoolkit.googleapis.com"
  enforcement_mode = var.app_check.enforcement

  depends_on = [google_identity_platform_config.this]
}
