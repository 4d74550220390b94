"""Fixtures of all tests: the local AWS, started once per session."""

import gc
from collections.abc import Iterator

import pytest

from tests.local import LocalAws


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let tests/live run in a real account."""
    parser.addoption("--live", action="store_true", help="deploy to the account of the environment's credentials")


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later garbage collection, of whose time it would take most."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """A local AWS whose durable waits pass sixty times as fast."""
    with LocalAws(speed=60) as aws:
        yield aws
