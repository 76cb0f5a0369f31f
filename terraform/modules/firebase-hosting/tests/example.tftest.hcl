mock_provider "google-beta" {
  source = "../../mocks"
}

variables {
  project_id   = "my-project"
  site_id      = "my-project-speech"
  display_name = "Speech"

  sign_in = {
    client_id = "123456789012-abc123.apps.googleusercontent.com"
    domains   = ["speech.example.com"]
  }
  # Rather from the environment: TF_VAR_sign_in_client_secret.
  sign_in_client_secret = "not-a-secret"

  app_check = { site_key = "6Lc-example", token_ttl_s = 7200, enforcement = "UNENFORCED" }
}

run "example" {
  # Applied, on a mocked provider: what Google answers is known only then.
  assert {
    condition = alltrue([
      google_firebase_project.this.project == var.project_id,
      google_firebase_web_app.this.display_name == var.display_name,
      google_firebase_hosting_site.this.site_id == var.site_id,
      google_firebase_hosting_site.this.app_id == google_firebase_web_app.this.app_id,
    ])
    error_message = "The site is not what was asked for."
  }

  assert {
    condition = alltrue([
      google_identity_platform_default_supported_idp_config.google[0].client_id == var.sign_in.client_id,
      google_identity_platform_default_supported_idp_config.google[0].client_secret == var.sign_in_client_secret,
      google_identity_platform_default_supported_idp_config.google[0].idp_id == "google.com",
      google_identity_platform_config.this[0].authorized_domains == tolist(["my-project.firebaseapp.com", "my-project-speech.firebaseapp.com", "my-project-speech.web.app", var.sign_in.domains[0]]),
      !google_identity_platform_config.this[0].sign_in[0].anonymous[0].enabled,
      !google_identity_platform_config.this[0].sign_in[0].email[0].enabled,
      !google_identity_platform_config.this[0].sign_in[0].phone_number[0].enabled,
    ])
    error_message = "Others could sign in, or from elsewhere."
  }

  assert {
    condition = alltrue([
      google_firebase_app_check_recaptcha_enterprise_config.this[0].site_key == var.app_check.site_key,
      google_firebase_app_check_recaptcha_enterprise_config.this[0].token_ttl == "${var.app_check.token_ttl_s}s",
      google_firebase_app_check_service_config.sign_in[0].enforcement_mode == var.app_check.enforcement,
    ])
    error_message = "App Check is not what was asked for."
  }

  assert {
    condition = alltrue([
      output.config.apiKey == "AIza0000000000000000000000000000000000000",
      output.config.authDomain == "my-project.firebaseapp.com",
      output.config.projectId == var.project_id,
      output.config.appId == google_firebase_web_app.this.app_id,
      output.origins == ["https://my-project-speech.web.app", "https://my-project-speech.firebaseapp.com", "https://speech.example.com"],
      output.url == "https://my-project-speech.web.app",
    ])
    error_message = "The page would be told other things of Firebase."
  }
}

run "nothing_that_cannot_be_undone_by_default" {
  command = plan

  variables {
    sign_in               = null
    sign_in_client_secret = null
    app_check             = null
  }

  assert {
    condition     = length(google_identity_platform_config.this) + length(google_firebase_app_check_service_config.sign_in) + length(google_firebase_app_check_recaptcha_enterprise_config.this) == 0
    error_message = "Identity Platform would be enabled without being asked for."
  }
}
