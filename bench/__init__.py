"""What the engine and the service are measured with, side by side with transformers' own way. `make bench` runs it."""
