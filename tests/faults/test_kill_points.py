"""A sample of the kill points that `make faults` goes through one by one."""

import random

import pytest

from tests.faults.flows import FLOWS, Flow
from tests.faults.matrix import Shot, broken, shots

SAMPLE = 20
"""Single faults a flow."""
PAIRS = 8
"""Double faults of all flows together."""


def by_name(flow: Flow) -> str:
    return flow.name.replace(" ", "-")


@pytest.mark.parametrize("flow", FLOWS, ids=by_name)
def test_a_flow_survives_a_fault_at_any_boundary(flow: Flow) -> None:
    every = list(shots(flow))
    assert broken(random.Random(flow.name).sample(every, min(SAMPLE, len(every)))) == []


def test_a_flow_survives_two_faults() -> None:
    chance = random.Random(6)
    pairs = []
    for _ in range(PAIRS):
        flow = chance.choice(FLOWS)
        first, second = chance.sample(list(shots(flow)), 2)
        pairs.append(Shot(flow, first.faults + second.faults))
    assert broken(pairs) == []
