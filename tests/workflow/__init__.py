"""The real rollout and the real controller on the local AWS, with time skipped."""
