"""What the pages tell people to say and to write is understood, and each cell of ours names a test that is there."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from deployer import events
from deployer.commands.command import Command
from deployer.model import manifest
from deployer.model.manifest import Application, Manifest, Resources, Rollout, Section, Smoke
from tests.pure.values import SETTINGS

ROOT = Path(__file__).parents[2]
NAMES = ("README.md", "docs/runbook.md", "docs/commands.md", "docs/manifest.md", "docs/comparison.md")
README, RUNBOOK, COMMANDS_PAGE, MANIFEST_PAGE, COMPARISON = ((ROOT / page).read_text() for page in NAMES)
PROOF = re.compile(r'\]\(\.\./(tests/[\w/]+\.py) "(\w+)"\)')
TABLE = COMPARISON.partition("\n## ")[0]
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
OURS = {cells[1].strip(): cells[2] for cells in (row.split("|") for row in ROWS)}


@pytest.mark.parametrize("row", [row for row, cell in OURS.items() if not cell.startswith(" no")])
def test_what_we_claim_is_linked_to_its_test(row: str) -> None:
    found = PROOF.search(OURS[row])
    assert found, OURS[row]
    assert f"\ndef {found[2]}(" in (ROOT / found[1]).read_text()


# --- commands -------------------------------------------------------------------------------------------------------

SAID = re.compile(r'\{"action"[^{}]*\}')
"""Commands are flat; one with an ellipsis leaves something for the reader to fill in."""
COMMANDS = [text for text in dict.fromkeys(SAID.findall(README + RUNBOOK + COMMANDS_PAGE)) if "…" not in text]
(KINDS, _) = get_args(Command)


@pytest.mark.parametrize("payload", COMMANDS)
def test_a_command_on_a_page_is_understood(payload: str) -> None:
    assert isinstance(events.parse(json.loads(payload), SETTINGS), KINDS)


def test_the_page_of_commands_names_every_one() -> None:
    known = {get_args(kind.model_fields["action"].annotation)[0] for kind in get_args(KINDS)}
    assert set(re.findall(r'\{"action":"(\w+)"', COMMANDS_PAGE)) == known


def test_what_the_readme_names_in_events_is_there() -> None:
    named = re.findall(r"events/[\w.-]+\.json", README)
    assert "events/status.json" in named
    assert [path for path in named if not (ROOT / path).is_file()] == []


# --- the manifest ---------------------------------------------------------------------------------------------------

(EXAMPLE,) = re.findall(r"^```toml\n(.*?)^```", MANIFEST_PAGE, re.DOTALL | re.MULTILINE)


def parsed(text: str) -> Manifest:
    found = manifest.parse(text.encode())
    assert isinstance(found, Manifest), found
    return found


def alternatives() -> list[str]:
    """Every line of the example that is commented out, alone in its table: beside the others it may contradict."""
    found, table = [], ""
    for line in EXAMPLE.splitlines():
        table = line.partition("#")[0].strip() if line.startswith("[") else table
        if re.match(r"# [\w-]+ *=", line):
            found.append(f"{table}\n{line.removeprefix('# ')}\n")
    return found


def test_the_manifest_of_its_page_is_one() -> None:
    assert parsed(EXAMPLE).model_fields_set == Manifest.model_fields.keys()


@pytest.mark.parametrize("text", alternatives())
def test_what_the_page_leaves_commented_out_is_a_manifest_too(text: str) -> None:
    ((table, (name,)),) = tomllib.loads(text).items()
    section: Any = getattr(parsed(text), table)
    assert section.model_fields_set == {name.replace("-", "_")}


def test_the_manifest_of_its_page_says_everything_that_can_be_said() -> None:
    tables: list[type[Section]] = [Application, Rollout, Smoke, Resources]
    known = {field.alias for table in tables for field in table.model_fields.values()}
    assert set(re.findall(r"^(?:# )?([\w-]+) *=", EXAMPLE, re.MULTILINE)) == {"schema", *known}


# --- size and links ---------------------------------------------------------------------------------------------------


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len(README.split()) <= 1_200


PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
