"""The table of limits in docs/scale.md is what the counted calls and the template make of it."""

from tests.faults.limits import table
from tests.faults.test_calls import PAGE


def test_the_page_has_the_limits_as_they_are_computed_and_none_comes_before_a_thousand_applications() -> None:
    computed = table()
    assert computed in PAGE.read_text()
    firsts = [line.split(" | ")[2] for line in computed.splitlines()[2:]]
    reached = [int(first.split()[0].replace(",", "")) for first in firsts if first[0].isdecimal()]
    assert len(reached) == 7
    assert min(reached) >= 1_000
