locals {
  accounts = {
    plan   = { title = "Reads for the plans of pull requests", roles = var.plan_roles }
    deploy = { title = "Deploys what was merged", roles = var.deploy_roles }
  }
}

resource "google_service_account" "this" {
  for_each = local.accounts

  project      = var.project_id
  account_id   = "${var.prefix}-${each.key}"
  display_name = each.value.title
}

resource "google_service_account_iam_binding" "github" {
  for_each = local.accounts

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  members            = ["principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.this.name}/attribute.role/${each.key}"]
}

resource "google_project_iam_member" "this" {
  for_each = merge([for name, account in local.accounts : { for role in account.roles : "${name} ${role}" => { account = name, role = role } }]...)

  project = var.project_id
  role    = each.value.role
  member  = google_service_account.this[each.value.account].member
}
