module "page" {
  source                = "../modules/firebase-hosting"
  project_id            = var.project.id
  site_id               = var.site_id
  sign_in               = var.sign_in
  sign_in_client_secret = var.sign_in_client_secret
  app_check             = var.app_check

  depends_on = [module.services]
}
