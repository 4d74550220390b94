"""Faults at a call's boundary, and the place of a fault."""

import re
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.wire import ServiceError


class Killed(BaseException):
    """The process is gone, as by SIGKILL or at Lambda's timeout: no code of it runs any more."""


class Kind(StrEnum):
    """An event at a boundary."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after: the effect happened, the answer was lost"
    KILLED_EACH_TIME = "killed before, each time"
    TIMEOUT_BEFORE = "time-out before the effect"
    TIMEOUT_AFTER = "time-out after the effect"
    THROTTLED_TWICE = "429 twice"
    THROTTLED = "429 for ever"
    BROKEN_TWICE = "500 twice"
    BROKEN = "500 for ever"
    BUSY = "409 in progress"
    STALE = "412 precondition failed"
    DENIED = "AccessDenied for ever"
    INVALID = "400 for ever"
    GONE = "404 for ever"
    LIMITED = "limit exceeded for ever"
    EXPIRED = "expired token for ever"
    RECORDS_DELETED = "records deleted by somebody"
    OVERVIEWS_DELETED = "overviews deleted by somebody"
    MARKS_DELETED = "rolled-back marks deleted by somebody"
    PROFILES_DELETED = "profiles deleted by somebody"
    LOCATIONS_DELETED = "bundle descriptions deleted by somebody"


TIMES = {Kind.THROTTLED_TWICE: 2, Kind.BROKEN_TWICE: 2, Kind.BUSY: 1, Kind.STALE: 1}
"""Number of times that a fault refuses; others last until the cause is removed."""
LASTING = frozenset(kind for kind in Kind if kind.endswith(("for ever", "each time")))
_REFUSALS = {
    ("lambda", "throttled"): ("TooManyRequestsException", 429),
    ("lambda", "broken"): ("ServiceException", 500),
    ("lambda", "busy"): ("ResourceConflictException", 409),
    ("lambda", "stale"): ("PreconditionFailedException", 412),
    ("lambda", "denied"): ("AccessDeniedException", 403),
    ("lambda", "invalid"): ("InvalidParameterValueException", 400),
    ("lambda", "gone"): ("ResourceNotFoundException", 404),
    ("lambda", "limited"): ("CodeStorageExceededException", 400),
    ("lambda", "expired"): ("ExpiredTokenException", 403),
    ("s3", "throttled"): ("SlowDown", 503),
    ("s3", "broken"): ("InternalError", 500),
    ("s3", "busy"): ("ConditionalRequestConflict", 409),
    ("s3", "stale"): ("PreconditionFailed", 412),
    ("s3", "denied"): ("AccessDenied", 403),
    ("s3", "invalid"): ("InvalidRequest", 400),
    ("s3", "gone"): ("NoSuchBucket", 404),
    ("s3", "expired"): ("ExpiredToken", 400),
    ("cloudwatch", "throttled"): ("ThrottlingException", 400),
    ("cloudwatch", "broken"): ("InternalServiceFault", 500),
    ("cloudwatch", "denied"): ("AccessDenied", 403),
    ("cloudwatch", "invalid"): ("ValidationException", 400),
    ("cloudwatch", "gone"): ("ResourceNotFoundException", 404),
    ("cloudwatch", "expired"): ("ExpiredTokenException", 400),
    ("logs", "throttled"): ("ThrottlingException", 400),
    ("logs", "broken"): ("ServiceUnavailableException", 503),
    ("logs", "denied"): ("AccessDeniedException", 400),
    ("logs", "invalid"): ("InvalidParameterException", 400),
    ("logs", "gone"): ("ResourceNotFoundException", 400),
    ("logs", "expired"): ("ExpiredTokenException", 400),
    ("events", "throttled"): ("ThrottlingException", 400),
    ("events", "broken"): ("InternalException", 500),
    ("events", "denied"): ("AccessDeniedException", 403),
    ("events", "invalid"): ("ValidationException", 400),
    ("events", "gone"): ("ResourceNotFoundException", 404),
    ("events", "expired"): ("ExpiredTokenException", 400),
}
DELETED = {
    Kind.RECORDS_DELETED: re.compile(r"records/[^/]+/([^/]+\.json)?\Z"),
    Kind.OVERVIEWS_DELETED: re.compile(r"records/_overview/.+"),
    Kind.MARKS_DELETED: re.compile(r"records/[^/]+/rolled-back/.+"),
    Kind.PROFILES_DELETED: re.compile(r"profiles/.+"),
    Kind.LOCATIONS_DELETED: re.compile(r"bundles/.+\.json\Z"),
}
"""Objects that are deleted in the bundles bucket, by key; a call that lists records names their prefix."""
_CONDITIONAL = ("RevisionId", "IfMatch", "IfNoneMatch")
_ENGINE = (Kind.KILLED_BEFORE, Kind.KILLED_AFTER)


@dataclass(frozen=True)
class Point:
    """A call boundary of a flow, as it was recorded without faults."""

    number: int
    service: str
    operation: str
    conditional: bool
    key: str
    """The key or prefix that the call names in the bundles bucket; empty for another call."""

    def kinds(self) -> tuple[Kind, ...]:
        """Return the possible faults: a 412 needs a condition, a 409 something that changes; the engine only dies.

        A deleted object is missed at the next call that names it, so it is deleted before each of those.
        """
        if self.service == "engine":
            return _ENGINE
        never = set() if self.conditional else {Kind.STALE, Kind.BUSY}
        if self.service != "lambda":
            never.add(Kind.LIMITED)
        never |= {kind for kind, keys in DELETED.items() if not keys.match(self.key)}
        if self.operation == "PublishVersion":
            never.discard(Kind.BUSY)
        return tuple(kind for kind in Kind if kind not in never)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong at the nth call of a run; a lasting one at every later call of the operation, too."""

    number: int
    kind: Kind


def conditional(params: dict[str, object]) -> bool:
    """Return whether a call has a condition."""
    return any(name in params for name in _CONDITIONAL)


def refusal(service: str, kind: Kind) -> ServiceError | None:
    """Return the refusal that a service gives for a kind of fault; None for a service that gives none.

    Of two faults the first one moves the calls: the second may meet another service than the one it was meant for.
    """
    found = _REFUSALS.get((service, kind.name.lower().removesuffix("_twice")))
    return ServiceError(*found, "injected") if found else None
