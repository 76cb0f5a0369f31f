output "name" {
  description = "Name of the bucket, once its readers may read."
  value       = google_storage_bucket.this.name
  depends_on  = [google_storage_bucket_iam_policy.this]
}

output "url" {
  description = "Address of the bucket: gs:// and its name."
  value       = google_storage_bucket.this.url
  depends_on  = [google_storage_bucket_iam_policy.this]
}
