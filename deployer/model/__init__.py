"""Pure values: what the deployer knows and says. Imports nothing of `deployer` outside this folder."""
