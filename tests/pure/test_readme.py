"""The pages' commands and manifests are valid, and each of our cells names an existing test."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any, get_args

import botocore.session
import click
import pytest

from deployer import events
from deployer.cli.main import dropshift
from deployer.commands.command import Command
from deployer.commands.sender import Sender
from deployer.model import manifest_file
from deployer.model.alias import ADMINISTRATION
from deployer.model.manifest import Application, Manifest, Resources, Rollout, Section, Smoke
from tests.pure.values import APPLICATIONS, SETTINGS

ROOT = Path(__file__).parents[2]
NAMES = ("README.md", "docs/runbook.md", "docs/commands.md", "docs/manifest.md", "docs/comparison.md", "docs/ci.md")
README, RUNBOOK, COMMANDS_PAGE, MANIFEST_PAGE, COMPARISON, CI = ((ROOT / page).read_text() for page in NAMES)
PROOF = re.compile(r'\]\(\.\./(tests/[\w/]+\.py) "(\w+)"\)')
TABLE = COMPARISON.partition("\n## ")[0]
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]
OURS = {cells[1].strip(): cells[2] for cells in (row.split("|") for row in ROWS)}


@pytest.mark.parametrize("row", [row for row, cell in OURS.items() if not cell.startswith(" no")])
def test_what_we_claim_is_linked_to_its_test(row: str) -> None:
    found = PROOF.search(OURS[row])
    assert found, OURS[row]
    assert f"\ndef {found[2]}(" in (ROOT / found[1]).read_text()


@pytest.mark.parametrize(("path", "name"), sorted(set(PROOF.findall(COMPARISON))))
def test_each_test_that_the_comparison_names_is_there(path: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / path).read_text()


# --- commands -------------------------------------------------------------------------------------------------------

SAID = re.compile(r"""(?:say (\w+) ')?(\{"action"[^{}]*\})""")
"""With the controller's alias, where one is named. Commands are flat; one with an ellipsis leaves something open."""
COMMANDS = [said for said in dict.fromkeys(SAID.findall(README + RUNBOOK + COMMANDS_PAGE)) if "…" not in said[1]]
(KINDS, _) = get_args(Command)


@pytest.mark.parametrize(("alias", "payload"), COMMANDS)
def test_a_command_on_a_page_is_understood(alias: str, payload: str) -> None:
    sender = Sender(alias=alias or ADMINISTRATION)
    command = events.parse(sender.completed(json.loads(payload)), SETTINGS, APPLICATIONS)
    assert isinstance(command, KINDS)
    assert sender.objection(command) is None


def test_the_page_of_commands_names_every_one() -> None:
    known = {get_args(kind.model_fields["action"].annotation)[0] for kind in get_args(KINDS)}
    assert set(re.findall(r'\{"action":"(\w+)"', COMMANDS_PAGE)) == known


def test_the_runbook_sends_every_command_through_an_alias() -> None:
    assert len(re.findall(r"^    say (?:hello|administration) ", RUNBOOK, re.MULTILINE)) == 2
    assert "say '" not in README + RUNBOOK + COMMANDS_PAGE


TYPED = re.compile(r"^(?:\$|    | *- (?:run: )?)\s*dropshift ([^#\n]+)", re.MULTILINE)
"""A command line of a page: in a console, a job or a list."""


@pytest.mark.parametrize("typed", dict.fromkeys(TYPED.findall(README + RUNBOOK + COMMANDS_PAGE + MANIFEST_PAGE + CI)))
def test_a_command_line_on_a_page_is_understood(typed: str) -> None:
    name, *words = shlex.split(re.sub(r"\$\([^)]*\)|\$\w+", "x", typed))
    verb = dropshift.commands[name]
    parser = verb.make_parser(click.Context(verb))
    values, left, _ = parser.parse_args(words)
    needed = {one.name for one in verb.params if isinstance(one, click.Argument) and one.required}
    assert not left
    assert needed <= {name for name, value in values.items() if value is not None}


def test_the_page_of_commands_has_every_verb() -> None:
    table = COMMANDS_PAGE.partition("\n## ")[0]
    assert {name for name in dropshift.commands if f"`{name}" not in table} == {"completion"}
    assert "dropshift completion" in table


OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize("action", ["cloudwatch:PutMetricAlarm", "cloudwatch:SetAlarmState", "events:PutEvents"])
def test_the_page_on_operations_names_who_else_may_do_harm(action: str) -> None:
    """Watched alarms are known by their names, and anybody who may put events can make news that looks like ours."""
    service, _, name = action.partition(":")
    assert name in botocore.session.get_session().get_service_model(service).operation_names
    assert f"`{action}`" in OPERATIONS.partition("**Who else may do harm.**")[2].partition("\n\n")[0]


REPLAY = [line.strip() for line in RUNBOOK.partition("**Replaying")[2].split("\n\n")[1].splitlines()]


def test_the_runbook_replays_nothing_unread_and_no_text_of_a_queue_as_an_argument() -> None:
    """A payload that begins with `file://` is read from the operator's disk.

    Source: AWS CLI user guide, loading a parameter from a file.
    """
    shown, checked, sent = (
        next(i for i, line in enumerate(REPLAY) if word in line) for word in ("jq .", "jq -e", "--payload")
    )
    assert shown < checked < sent
    assert REPLAY[checked].endswith("&& aws lambda invoke \\")
    assert "--payload file://event.json" in REPLAY[sent]
    assert "$(jq -r '.Messages[0].Body'" not in "".join(REPLAY)


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not there")
@pytest.mark.parametrize("path", sorted((ROOT / "events").glob("*.json")), ids=lambda path: path.stem)
def test_the_runbooks_check_takes_events_and_no_command(path: Path) -> None:
    (check,) = re.findall(r"jq -e '([^']+)'", "".join(REPLAY))
    replayed = subprocess.run(["jq", "-e", check, path], capture_output=True, check=False).returncode == 0
    arrives = isinstance(
        events.parse(json.loads(path.read_text()), SETTINGS, APPLICATIONS),
        events.Drops | events.AlarmChanged | events.PruneDue,
    )
    assert replayed == (arrives or path.stem in ("execution-failed", "out-release-changed"))


def test_what_the_readme_names_in_events_is_there() -> None:
    named = re.findall(r"events/[\w.-]+\.json", README)
    assert "events/status.json" in named
    assert [path for path in named if not (ROOT / path).is_file()] == []


# --- the manifest ---------------------------------------------------------------------------------------------------

(EXAMPLE,) = re.findall(r"^```toml\n(.*?)^```", MANIFEST_PAGE, re.DOTALL | re.MULTILINE)


def parsed(text: str) -> Manifest:
    found = manifest_file.parse(text.encode())
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


def test_every_path_that_the_architecture_names_is_there() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    page = re.sub(r"\n## The command line\n.*?\n## ", "", page, flags=re.DOTALL)  # its paths are in deployer/cli/
    named = set(re.findall(r"`([\w/-]+(?:/|\.py|\.mjs|\.yaml))`", page))
    assert len(named) > 30
    assert [path for path in sorted(named) if not any((ROOT / at / path).exists() for at in ("deployer", ""))] == []
