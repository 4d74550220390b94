"""One AWS account in memory, behind botocore's own `before-send`, with faults at every boundary."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.model import OperationModel

from tests.faults import faults
from tests.faults.alarms import CloudWatch, Logs
from tests.faults.buckets import S3
from tests.faults.clock import Clock
from tests.faults.events import Events
from tests.faults.faults import Fault, Killed, Kind, Point
from tests.faults.functions import Lambda
from tests.faults.keys import Kms
from tests.faults.wire import ServiceError, answer, refuse, understand

RELEASES, BUNDLES = "releases", "bundles"
_thread = threading.local()
"""The call that a thread is making."""
_A_CALL = timedelta(milliseconds=20)


def _never(_call: "Call") -> Kind | None:
    return None


def nobody() -> None:
    pass


@dataclass
class Call:
    """One call of a client: numbered, whatever number of attempts it takes."""

    number: int
    service: str
    operation: str
    actor: str
    params: dict[str, Any]
    attempts: int = 0
    outcome: str = "no answer"


def _bundles_key(call: Call) -> str:
    return str(call.params.get("Key") or call.params.get("Prefix")) if call.params.get("Bucket") == BUNDLES else ""


class Account:
    """Services, a clock, a log of calls, and what is to go wrong."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.s3 = S3(self.clock, [RELEASES, BUNDLES])
        self.lambda_ = Lambda(self.clock, self.s3.body)
        self.cloudwatch = CloudWatch(self.clock)
        self.logs = Logs(self.cloudwatch)
        self.events = Events()
        self.kms = Kms()
        self.calls: list[Call] = []
        self.faults: tuple[Fault, ...] = ()
        self.chance: Callable[[Call], Kind | None] = _never
        """Faults by chance, asked at every attempt."""
        self.pause: Callable[[], None] = nobody
        """A point at which other processes may run."""
        self.actor = "nobody"
        self.dead = False
        """True if the process that is running was killed."""
        self.process = 0
        """Processes that began so far."""
        self._lasting: dict[tuple[str, str], Kind] = {}

    def seen_by(self, actor: str) -> "Account":
        """Return the same account for somebody else, whose calls are neither counted nor disturbed."""
        other = Account()
        for name in ("clock", "s3", "lambda_", "cloudwatch", "logs", "events", "kms"):
            setattr(other, name, getattr(self, name))
        other.actor = actor
        return other

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock.now

    def pass_time(self, until: datetime) -> None:
        """Let time pass until then; it never goes back."""
        self.clock.now = max(self.clock.now, until)

    def begin(self, actor: str) -> None:
        """Begin a process."""
        self.actor, self.dead = actor, False
        self.process += 1

    # --- faults ----------------------------------------------------------------------------------------------------

    def mend(self) -> None:
        """End whatever is broken."""
        self.faults, self._lasting = (), {}
        self.chance = _never

    def points(self) -> list[Point]:
        """Return the boundaries that were passed so far."""
        return [
            Point(call.number, call.service, call.operation, faults.conditional(call.params), _bundles_key(call))
            for call in self.calls
        ]

    def checkpoint(self, name: str, keep: Callable[[], None]) -> None:
        """Let the engine keep the result of a step: a boundary like any other."""
        call = self._open("engine", name)
        kind = self._kind(call)
        if kind is Kind.KILLED_BEFORE:
            self._die()
        keep()
        if kind is Kind.KILLED_AFTER:
            self._die()

    # --- botocore --------------------------------------------------------------------------------------------------

    def before_call(self, model: OperationModel, **_: object) -> None:
        """Number a call; it takes its time, however often it is tried."""
        self.pass_time(self.now + _A_CALL)
        _thread.call = self._open(model.service_model.service_name, model.name)
        _thread.model = model

    def before_send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Answer one attempt of a call."""
        self.pause()
        call, model = _thread.call, _thread.model
        if self.dead:
            raise Killed
        call.attempts += 1
        call.params = understand(model, request)
        kind = self._kind(call)
        self._before(kind, request.url)
        if kind and (error := faults.refusal(call.service, kind)):
            call.outcome = error.code
            return refuse(model, request.url, error)
        response = self._do(call, model, request.url)
        self._after(kind, request.url)
        return response

    def _open(self, service: str, operation: str) -> Call:
        if self.dead:
            raise Killed
        call = Call(len(self.calls) + 1, service, operation, self.actor, {})
        self.calls.append(call)
        return call

    def _kind(self, call: Call) -> Kind | None:
        """Return the fault of this attempt."""
        for fault in self.faults:
            if fault.number == call.number and fault.kind in faults.LASTING:
                self._lasting[call.service, call.operation] = fault.kind
            elif fault.number == call.number and call.attempts <= faults.TIMES.get(fault.kind, 1):
                return fault.kind
        return self._lasting.get((call.service, call.operation)) or self.chance(call)

    def _before(self, kind: Kind | None, url: str) -> None:
        if kind in (Kind.KILLED_BEFORE, Kind.KILLED_EACH_TIME):
            self._die()
        if kind is Kind.TIMEOUT_BEFORE:
            raise ConnectTimeoutError(endpoint_url=url)
        if kind in faults.DELETED:
            self.s3.hide(BUNDLES, faults.DELETED[kind])

    def _after(self, kind: Kind | None, url: str) -> None:
        if kind is Kind.KILLED_AFTER:
            self._die()
        if kind is Kind.TIMEOUT_AFTER:
            raise ReadTimeoutError(endpoint_url=url)

    def _die(self) -> None:
        self.dead = True
        raise Killed

    def _do(self, call: Call, model: OperationModel, url: str) -> AWSResponse:
        try:
            result = self._result(call)
        except ServiceError as error:
            call.outcome = error.code
            return refuse(model, url, error)
        call.outcome = "done"
        return answer(model, url, result)

    def _result(self, call: Call) -> dict[str, Any]:
        service: Any = self.lambda_ if call.service == "lambda" else getattr(self, call.service)
        service.actor = call.actor
        if call.service == "s3":
            self.s3.check_owner(**call.params)
        result: dict[str, Any] = getattr(service, xform_name(call.operation))(**call.params)
        return result
