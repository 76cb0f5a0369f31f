locals {
  prices      = jsondecode(file("${path.module}/regions.json"))
  region      = lookup(local.prices.regions, var.region, null)
  gpu_regions = [for name, region in local.prices.regions : name if contains(keys(region.gpus), var.resources.gpu)]
  gpu_here    = try(local.region.gpus[var.resources.gpu], null)
  memory_gib  = try(tonumber(trimsuffix(var.resources.memory, "Gi")), 0)

  prices_here = {
    gpu    = try(coalesce(var.price.gpu_usd_per_s, var.resources.zonal_redundancy ? local.gpu_here.usd_per_s_zonal_redundancy : local.gpu_here.usd_per_s), null)
    cpu    = try(coalesce(var.price.cpu_usd_per_s, local.region.cpu_usd_per_s), null)
    memory = try(coalesce(var.price.gib_usd_per_s, local.region.gib_usd_per_s), null)
  }
  unknown_prices = [for part, price in local.prices_here : part if price == null]

  # A GPU instance is billed while it lives, by the second, for all three.
  instance_usd_per_s = length(local.unknown_prices) > 0 ? null : sum([
    local.prices_here.gpu,
    local.prices_here.cpu * var.resources.cpu,
    local.prices_here.memory * local.memory_gib,
  ])
  instance_usd_per_month = local.instance_usd_per_s == null ? null : local.instance_usd_per_s * 3600 * 730
}
