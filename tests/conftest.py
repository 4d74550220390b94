"""Fixtures of all tests: the local AWS, started once per session."""

from collections.abc import Iterator

import pytest

from tests.local import LocalAws


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests/live run in a real account."""
    parser.addoption("--live", action="store_true", help="deploy to the account of the environment's credentials")


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """A local AWS whose durable waits pass sixty times as fast."""
    with LocalAws(speed=60) as aws:
        yield aws
