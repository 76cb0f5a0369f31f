module "budget" {
  source          = "../modules/budget"
  project_id      = var.project.id
  project_number  = var.project.number
  billing_account = var.budget.billing_account
  name            = "${var.name} in ${var.project.id}"
  amount          = { units = var.budget.units, currency = var.budget.currency }
  thresholds      = var.budget.thresholds
  emails          = var.budget.emails
  labels          = local.labels

  depends_on = [module.services]
}
