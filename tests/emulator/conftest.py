"""Fixtures of the tests under AWS's emulator."""

from collections.abc import Iterator

import pytest

from tests.object_store import ObjectStore, serving


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    """A stand-in for S3, empty and well-behaved, of one test's own."""
    with serving(ObjectStore()) as started:
        yield started
