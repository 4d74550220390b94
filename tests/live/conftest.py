"""One stack for all of these tests, under a name that nothing else has; removed whatever happens."""

import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.live.account import PREFIX, Account, Local, Real, left, remove
from tests.live.stack import Delivered
from tests.local import LocalAws

LARGE = 600 << 20
PARAMETERS = {
    "ErrorAlarmThreshold": "1000000",  # releases are to be judged by their metrics here, not by this alarm
    "LogRetentionDays": "1",
    "MaxProvisionedConcurrency": "1",
}
RESERVED = {"ControllerConcurrency": "10", "RolloutConcurrency": "50"}
"""As in the template; an account that has not enough, as a new one with 10 in all, gets none."""
UNRESERVED = 100
"""Concurrency that Lambda keeps for others. Source: AWS Lambda developer guide, configuring reserved concurrency."""


@pytest.fixture(scope="session")
def live(request: pytest.FixtureRequest) -> bool:
    """Return whether an account was offered."""
    return bool(request.config.getoption("--live"))


@pytest.fixture(scope="session")
def large(live: bool) -> int:  # noqa: FBT001 - a fixture
    """Bytes of the large application; locally it only has to go up in parts."""
    return LARGE if live else 20 << 20


@contextmanager
def _account(live: bool) -> Iterator[Account]:  # noqa: FBT001 - as above
    if live:
        yield Real()
    else:
        with LocalAws(speed=60) as aws:
            yield Local(aws)


def _reserved(account: Account) -> dict[str, str]:
    """Reserve concurrency as the template does, if the account has enough of it."""
    limits = account.client("lambda").get_account_settings()["AccountLimit"]
    fits = limits["UnreservedConcurrentExecutions"] - sum(map(int, RESERVED.values())) >= UNRESERVED
    return RESERVED if fits else dict.fromkeys(RESERVED, "0")


@pytest.fixture(scope="session")
def stack(live: bool) -> Iterator[Delivered]:  # noqa: FBT001 - as above
    """Yield the stack, in the account or on the local AWS."""
    name = PREFIX + secrets.token_hex(4)
    architecture = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    with _account(live) as account:
        outputs: dict[str, str] = {}
        try:
            outputs = account.deploy(name, {"Architecture": architecture, **PARAMETERS, **_reserved(account)})
            yield Delivered(account, name, outputs)
        finally:
            remove(account, name)
            remains = left(account, name, outputs)
            assert not remains, f"remove by hand: {remains}"


@pytest.fixture
def on_aws(live: bool, request: pytest.FixtureRequest) -> Delivered:  # noqa: FBT001 - as above
    """Return the stack in a real account; without one the test is skipped, before anything is deployed."""
    if not live:
        pytest.skip("only AWS can show this: run `pytest --live` with credentials of an account (docs/live.md)")
    stack: Delivered = request.getfixturevalue("stack")
    return stack
