"""A Cloud Run beside the local Google: it runs what is described there. docs/local-cloud.md tells what it does."""
