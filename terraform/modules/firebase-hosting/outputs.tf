output "config" {
  description = "The `firebase` part of the page's config.json; none of it is a secret."
  value = {
    apiKey     = data.google_firebase_web_app_config.this.api_key
    authDomain = data.google_firebase_web_app_config.this.auth_domain
    projectId  = var.project_id
    appId      = google_firebase_web_app.this.app_id
  }
}

output "origins" {
  description = "Origins that the page is served from: what the service's CORS must name."
  value = concat(
    ["https://${google_firebase_hosting_site.this.site_id}.web.app", "https://${google_firebase_hosting_site.this.site_id}.firebaseapp.com"],
    var.sign_in == null ? [] : [for domain in var.sign_in.domains : "https://${domain}"],
  )
}

output "site_id" {
  description = "Id of the site, the target of `firebase deploy`."
  value       = google_firebase_hosting_site.this.site_id
}

output "url" {
  description = "Address of the page."
  value       = google_firebase_hosting_site.this.default_url
}
