"""The steps of a rollout. Each may be repeated at any time: it looks at the world first, and does what is missing.

A step takes the release as the steps before it left it, and returns it with what it found. An expected failure is an
ending in the returned release; an exception is unexpected, and the step is tried again.
"""

from deployer.steps.preparing import inspect, make_bundle
from deployer.steps.publishing import check_active, publish, smoke_test, warm
from deployer.steps.shifting import begin, end, give_up, look, promote, roll_back, shift

__all__ = [
    "begin",
    "check_active",
    "end",
    "give_up",
    "inspect",
    "look",
    "make_bundle",
    "promote",
    "publish",
    "roll_back",
    "shift",
    "smoke_test",
    "warm",
]
