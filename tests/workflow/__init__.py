"""The real rollout and the real controller on an account in memory, in virtual time."""
