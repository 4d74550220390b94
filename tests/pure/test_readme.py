"""The README's comparison: each cell of ours names a test that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROOF = re.compile(r'\]\((tests/[\w/]+\.py) "(\w+)"\)')
TABLE = (ROOT / "README.md").read_text().partition("\n## Compared\n")[2].partition("\n## ")[0]
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
OURS = {cells[1].strip(): cells[2] for cells in (row.split("|") for row in ROWS)}


@pytest.mark.parametrize("row", [row for row, cell in OURS.items() if not cell.startswith(" no")])
def test_what_we_claim_is_linked_to_its_test(row: str) -> None:
    found = PROOF.search(OURS[row])
    assert found, OURS[row]
    assert f"\ndef {found[2]}(" in (ROOT / found[1]).read_text()
