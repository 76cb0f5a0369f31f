locals {
  labels = merge({ app = var.name }, var.labels)
}

module "service" {
  source              = "../modules/gpu-service"
  project_id          = var.project_id
  region              = var.region
  region_invited      = var.region_invited
  name                = var.name
  labels              = local.labels
  image               = var.image
  service_account     = var.platform.service_account
  subnetwork          = var.platform.subnetwork
  weights             = { bucket = var.platform.weights_bucket, folder = var.weights_folder }
  capacity            = var.capacity
  resources           = var.resources
  probes              = var.probes
  access              = merge(var.access, { origins = concat(var.platform.origins, var.access.origins) })
  unauthenticated     = var.unauthenticated
  secrets             = var.secrets
  settings            = var.settings
  traffic             = var.traffic
  price               = var.price
  deletion_protection = var.deletion_protection
}

module "alerts" {
  source      = "../modules/alerts"
  project_id  = var.project_id
  service     = var.name
  labels      = local.labels
  channels    = var.platform.channels
  idle_hours  = var.alerts.idle_hours
  error_rate  = var.alerts.error_rate
  cost_of_day = var.alerts.cost_of_day_usd == null ? null : { usd = var.alerts.cost_of_day_usd, usd_per_s = module.service.instance_usd_per_s }
}
