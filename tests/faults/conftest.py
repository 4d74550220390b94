"""Worlds for one test each, with the deployer in them."""

from collections.abc import Iterator

import pytest

from tests.faults.flows import live, mid_bake, prepared
from tests.faults.wiring import inhabited
from tests.faults.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world whose one application has a live release: version 2."""
    with inhabited(prepared(live)) as made:
        yield made


@pytest.fixture
def baking() -> Iterator[World]:
    """Return one in which release 1.1, version 3, has the traffic of its first stage: 10 %."""
    with inhabited(prepared(mid_bake)) as made:
        yield made
