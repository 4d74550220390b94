"""A bounded run of the fuzz target; `python -m tests.pure.fuzz --seconds 600` is the long one."""

from tests.pure import fuzz


def test_bent_archives_are_refused_or_read_as_python_reads_them() -> None:
    ended = fuzz.run(seed=20260101, executions=20_000)
    assert ended.total() == 20_000
    assert all(any(f"{kind} {how}" in ended for kind in fuzz.KINDS) for how in ("refused", "accepted"))
