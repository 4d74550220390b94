"""Bounded runs of the fuzz targets; `python -m tests.pure.fuzz` and `tests.pure.fuzz_inputs` are the long ones."""

import pytest

from tests.pure import fuzz, fuzz_inputs


def test_bent_archives_are_refused_or_read_as_python_reads_them() -> None:
    ended = fuzz.run(seed=20260101, executions=20_000)
    assert ended.total() == 20_000
    assert all(any(f"{kind} {how}" in ended for kind in fuzz.KINDS) for how in ("refused", "accepted"))


@pytest.mark.parametrize("name", fuzz_inputs.INPUTS)
def test_whatever_else_comes_from_outside_is_a_value_or_its_problems(name: str) -> None:
    assert len(fuzz_inputs.run(name, 300, derandomize=True)) > 1
