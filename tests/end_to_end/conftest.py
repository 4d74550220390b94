"""Fixtures of the bootstrap's tests; a file that needs another S3, or one for all its tests, makes its own."""

import os
from collections.abc import Iterator

import pytest

from tests import toolchains
from tests.end_to_end.identity import both, library  # noqa: F401 - fixtures
from tests.local import confinement
from tests.object_store import ObjectStore, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is to run confined where nothing can be; `-rs` shows why."""
    if confinement.VARIABLE in os.environ and (why := confinement.obstacle()):
        for item in items:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    """A stand-in for S3, empty and well-behaved, of one test's own."""
    with serving(ObjectStore()) as started:
        yield started


@pytest.fixture(scope="session")
def runtime() -> list[str]:
    """Return the command of Node's own runtime."""
    return toolchains.node_runtime()
