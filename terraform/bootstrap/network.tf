# The way from the service to Google's APIs. It lies here, not beside the service: Cloud Run lets go of a subnetwork's
# addresses only hours after the last instance.
resource "google_compute_network" "service" {
  project                 = var.project.id
  name                    = var.name
  auto_create_subnetworks = false

  depends_on = [module.services]
}

resource "google_compute_subnetwork" "service" {
  project                  = var.project.id
  name                     = var.name
  region                   = var.region
  network                  = google_compute_network.service.id
  ip_cidr_range            = var.address_range
  private_ip_google_access = true
}
