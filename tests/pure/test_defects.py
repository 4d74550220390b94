"""The seeded defects keep up with the product: each can still be put in, and names tests that are there."""

import pytest

from tests.defects.breaking import ROOT, Defect
from tests.defects.catalogue import DEFECTS


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_can_be_put_in_and_names_its_tests(defect: Defect) -> None:
    text = (ROOT / defect.file).read_text()
    assert defect.applied(text) != text
    for test in defect.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text()


def test_no_two_defects_have_one_name() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)
