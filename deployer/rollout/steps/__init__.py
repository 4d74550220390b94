"""The steps of a rollout. Each may be repeated at any time: it reads AWS first, and does what is missing.

A step takes the release that the step before it returned, and returns it with its findings. An expected failure is an
ending in the returned release; an exception is unexpected, and the step is retried.
"""

from deployer.rollout.steps.bundling import make_bundle, strengthen_bundle
from deployer.rollout.steps.looking import look
from deployer.rollout.steps.preparing import check_order, inspect
from deployer.rollout.steps.publishing import check_active, provision_concurrency, publish, smoke_test
from deployer.rollout.steps.shifting import fail, finish, plan_stages, promote, roll_back, shift
from deployer.rollout.steps.turn import await_turn

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
