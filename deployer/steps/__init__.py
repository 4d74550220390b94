"""The steps of a rollout. Each may be repeated at any time: it reads AWS first, and does what is missing.

A step takes the release that the step before it returned, and returns it with its findings. An expected failure is an
ending in the returned release; an exception is unexpected, and the step is retried.
"""

from deployer.steps.bundling import make_bundle, strengthen_bundle
from deployer.steps.looking import look
from deployer.steps.preparing import check_order, inspect
from deployer.steps.publishing import check_active, provision_concurrency, publish, smoke_test
from deployer.steps.shifting import fail, finish, plan_stages, promote, roll_back, shift
from deployer.steps.turn import await_turn

__all__ = [
    "await_turn",
    "check_active",
    "check_order",
    "fail",
    "finish",
    "inspect",
    "look",
    "make_bundle",
    "plan_stages",
    "promote",
    "provision_concurrency",
    "publish",
    "roll_back",
    "shift",
    "smoke_test",
    "strengthen_bundle",
]
