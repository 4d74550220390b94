"""The steps of a rollout. Each may be repeated at any time: it reads AWS first, and does what is missing.

A step takes the release that the step before it returned, and returns it with its findings. An expected failure is an
ending in the returned release; an exception is unexpected, and the step is retried.
"""
