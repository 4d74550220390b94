"""What every application function runs; the deployer imports the pointer and the index from here, never the reverse."""
