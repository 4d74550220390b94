"""One case of a runtime client's own test suite: a small application, what it is sent, and how it has to end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.applications import EVENTS, Happened
from tests.local.runtime_api import Invocation

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:app"


@dataclass(frozen=True)
class Case:
    """The outcome is that of the last event, or of init; its error type is `response` if there was none."""

    follows: str
    """The test of the client's suite that asks the same."""
    files: Mapping[str, str]
    ends: str
    handler: str = "app.handler"
    events: Sequence[object] = EVENTS
    variables: Mapping[str, str] = field(default_factory=dict)
    later: str = ""
    """The ending under the newer client of Node.js, where it differs."""
    says: str = ""
    """Words that answers or log must have."""

    @property
    def plain(self) -> bool:
        """Return whether it needs nothing but events as JSON, as AWS's emulator sends them."""
        return self.events is EVENTS and not self.variables


def sent(payload: bytes = b"{}", **beside: str) -> Invocation:
    """Return an invocation to send: its bytes, and the headers beside them."""
    return Invocation("", payload, 0, ARN, **beside)


def ended(happened: Happened) -> str:
    """Return how an application ended, in a case's words."""
    last = happened.outcomes[-1]
    return last.kind if last.kind == "response" else last.error_type or json.loads(last.payload)["errorType"]
