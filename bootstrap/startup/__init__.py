"""The runtime's own process: it waits for what the application imports, and hands over to it."""
