"""An application of its own for every test."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest

from deployer.model.status import Status
from deployer.rollout.steps import bundling
from tests.faults import functions
from tests.faults.wiring import inhabited
from tests.reliances import requests
from tests.workflow.world import World

Worlds = Callable[[], AbstractContextManager[World]]


@pytest.fixture(scope="session")
def worlds() -> Worlds:
    """Applications whose rollouts run in this process, one at a time; Lambda changes functions without delay."""

    @contextmanager
    def opened() -> Iterator[World]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(functions, "APPLYING", timedelta())
            patch.setattr(functions, "PENDING", timedelta())
            with inhabited(World(), bundling.WORTH_MORE) as made:
                yield made
                assert not made.writes_without_revision
                assert not requests.violations(made.account.calls)

    return opened


@pytest.fixture
def world(worlds: Worlds) -> Iterator[World]:
    with worlds() as made:
        yield made


@pytest.fixture
def served(world: World) -> World:
    """An application with a live release, version 2."""
    assert world.release("1.0")["status"] == Status.LIVE
    return world
