"""The seeded defects keep up with the product: each can still be put in, and names tests that are there."""

import ast
from pathlib import Path

import pytest

from tests.applications import write
from tests.defects import places
from tests.defects.breaking import ROOT, Defect
from tests.defects.catalogue import DEFECTS


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_can_be_put_in_and_names_its_tests(defect: Defect) -> None:
    path, broken = defect.applied(ROOT)
    assert broken != path.read_text()
    if path.suffix == ".py":
        ast.parse(broken)
    for test in defect.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text()


def test_no_two_defects_have_one_name() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


ALIAS = """
class Alias:
    def shift(self):
        if self.canary:
            pay(1, 2)
        return 1
"""
ROUTE = """
class Route:
    def shift(self):
        return 1
"""


def test_a_defect_survives_that_its_definition_moves_and_is_wrapped_anew(tmp_path: Path) -> None:
    defect = Defect("unpaid", "Alias.shift", "if self.canary:\n    pay(1, 2)", "if True:\n    pass", ())
    before = write(tmp_path / "before", {"deployer/a.py": ALIAS, "bootstrap/b.py": ROUTE})
    wrapped = ALIAS.replace("(1, 2)", "(\n                1,\n                2,\n            )")
    after = write(tmp_path / "after", {"bootstrap/elsewhere.py": wrapped})
    broken = ALIAS.replace("self.canary", "True").replace("pay(1, 2)", "pass")
    assert defect.applied(before) == (before / "deployer/a.py", broken)
    assert defect.applied(after) == (after / "bootstrap/elsewhere.py", broken)


@pytest.mark.parametrize(
    ("place", "old"),
    [("shift", "return 1"), ("Alias.shift", "return 2"), ("Alias", "self"), ("Alias.move", "return 1")],
)
def test_a_defect_that_cannot_be_put_in_exactly_once_is_stale(tmp_path: Path, place: str, old: str) -> None:
    root = write(tmp_path, {"deployer/a.py": ALIAS, "bootstrap/b.py": ROUTE})
    with pytest.raises(places.StaleError):
        Defect("stale", place, old, "return 3", ()).applied(root)
