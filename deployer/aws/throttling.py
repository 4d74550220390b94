"""Calls that a command waits for are tried again sooner than those of rollouts, so that commands go first.

All of an account share fifteen calls of Lambda's control plane per second, and Lambda knows no precedence. A rollout's
client waits ever longer, up to twenty seconds, as the SDK does by default; whoever asks more often is served sooner.
"""

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_WAITED_FOR = ("GetAlias", "UpdateAlias", "ListVersionsByFunction", "ListProvisionedConcurrencyConfigs")
"""The calls of the narrow budget that commands make; what the schedule deletes can wait."""
_TOO_MANY_REQUESTS = 429
_SHORTEST, _LONGEST = 0.1, 0.3
"""Seconds. One command makes five attempts a second, a third of what the account has."""
_MOST = 100
"""Attempts: about twenty seconds; then the SDK's own limit ends the call."""


def go_first(client: "LambdaClient") -> None:
    """Let a client's throttled calls be tried again after short waits."""
    for operation in _WAITED_FOR:
        events: Any = client.meta.events  # its types know no handler that returns something
        events.register_first(f"needs-retry.lambda.{operation}", _soon)


def _soon(response: tuple[Any, Any] | None, attempts: int, **_: object) -> float | None:
    """Return the seconds until the next attempt of a throttled call; None leaves it to the SDK's own rule."""
    throttled = response is not None and response[0].status_code == _TOO_MANY_REQUESTS
    return random.uniform(_SHORTEST, _LONGEST) if throttled and attempts < _MOST else None  # noqa: S311 - no secret
