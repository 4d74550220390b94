"""Pure: the states of a release, and its ending."""

from enum import StrEnum

from deployer.model.problem import Problems
from deployer.model.text import Sentence
from deployer.model.value import Value


class Status(StrEnum):
    """The state of a release. The second group is final: a release ends in exactly one, which never changes."""

    RECEIVED = "received"
    INSPECTED = "inspected"
    BUNDLED = "bundled"
    PUBLISHED = "published"
    SMOKE_TESTED = "smoke-tested"
    SHIFTING = "shifting"

    LIVE = "live"
    REJECTED = "rejected"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    ABORTED = "aborted"
    SUPERSEDED = "superseded"
    OVERTAKEN = "overtaken"
    DUPLICATE = "duplicate"

    @property
    def final(self) -> bool:
        """Return whether this is an ending."""
        return self in _FINAL


_FINAL = frozenset(list(Status)[6:])


class Ending(Value):
    """The ending of a release, with its reason in a sentence."""

    status: Status
    reason: Sentence
    problems: Problems = ()
