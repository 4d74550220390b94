"""Pure values that the other folders exchange. Imports nothing of `deployer` outside this folder."""
