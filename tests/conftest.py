"""What every test may ask for: the local AWS, started once a session."""

from collections.abc import Iterator

import pytest

from tests.local import LocalAws


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """A local AWS whose durable waits pass sixty times as fast as they say."""
    with LocalAws(speed=60) as aws:
        yield aws
