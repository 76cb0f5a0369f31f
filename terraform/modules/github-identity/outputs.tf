output "deploy_account" {
  description = "E-mail address of the account that deploys."
  value       = google_service_account.this["deploy"].email
  depends_on  = [google_service_account_iam_binding.github, google_project_iam_member.this]
}

output "plan_account" {
  description = "E-mail address of the account that plans."
  value       = google_service_account.this["plan"].email
  depends_on  = [google_service_account_iam_binding.github, google_project_iam_member.this]
}

output "provider" {
  description = "Full name of the provider: `workload_identity_provider` of google-github-actions/auth."
  value       = google_iam_workload_identity_pool_provider.this.name
}
