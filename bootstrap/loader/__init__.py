"""The loading process: network, TLS, zstd and the disk. Imported by no other process."""
