"""A stand-in for the Google APIs that this stack calls, for its real clients. What it is: `docs/local-cloud.md`."""
