"""On a machine that cannot confine as Lambda does, the tests are skipped with one sentence that has the reason."""

import os
from pathlib import Path

import pytest

from tests.local import confinement


@pytest.mark.parametrize(
    ("user", "groups", "tools", "words"),
    [
        (1000, confinement.CONTROLLERS, (), "needs root"),
        (0, ("cpu", "freezer"), (), "control groups of version 1: there is no"),
        (0, confinement.CONTROLLERS, ("no-such-tool",), "needs no-such-tool"),
    ],
)
def test_one_sentence_says_why(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    user: int,
    groups: tuple[str, ...],
    tools: tuple[str, ...],
    words: str,
) -> None:
    for group in groups:
        (tmp_path / group).mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(confinement, "GROUPS", tmp_path)
    monkeypatch.setattr(confinement, "TOOLS", tools)
    assert words in str(confinement.obstacle())
