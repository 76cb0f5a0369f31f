mock_resource "google_firebase_project" {
  defaults = {
    project = "my-project"
  }
}

mock_resource "google_firebase_web_app" {
  defaults = {
    app_id = "1:123456789012:web:0123456789abcdef"
  }
}

mock_resource "google_firebase_hosting_site" {
  defaults = {
    default_url = "https://my-project-speech.web.app"
  }
}

mock_data "google_firebase_web_app_config" {
  defaults = {
    api_key     = "AIza0000000000000000000000000000000000000"
    auth_domain = "my-project.firebaseapp.com"
  }
}
