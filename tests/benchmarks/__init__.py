"""Cold starts measured: the bootstrap against what people do today, and against the link itself."""
