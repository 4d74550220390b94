"""Dropshift's deployer: the controller that answers the world and the rollout that shifts a release."""
