"""Fixtures of the bootstrap's tests; a file that needs another S3, or one for all its tests, makes its own."""

from collections.abc import Iterator

import pytest

from tests import toolchains
from tests.object_store import ObjectStore, serving


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    """A stand-in for S3, empty and well-behaved, of one test's own."""
    with serving(ObjectStore()) as started:
        yield started


@pytest.fixture(scope="session")
def runtime() -> list[str]:
    """The command of Node's own runtime."""
    return toolchains.node_runtime()
