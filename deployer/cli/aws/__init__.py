"""The caller's AWS: each call, and its errors in sentences."""
