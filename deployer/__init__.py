"""Dropshift's deployer: the controller, which answers events and commands, and the rollout of a release."""
