"""The code of every application function. The deployer imports pointer and index from here, never the reverse."""
