"""Commands that nobody here wrote, each with the class of answer expected."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from deployer import events
from deployer.commands.answers import Answer
from deployer.model.status import Status
from tests.workflow.world import NOW, World

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "commands.csv"
CHANGING = ("Put", "Update", "Publish", "Create", "Delete")

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of foreign commands is not beside the checkout")


def kind(answer: Answer) -> str:
    """Return an answer's class in the corpus's words."""
    text = str(answer.get("answer", ""))
    if text.startswith("refused"):
        return "refuse"
    return "noop-idle" if text.startswith("nothing to do") else "ok"


def fits(expected: str, answer: Answer) -> bool:
    """Return whether an answer is of the class expected, or of one of them."""
    found = kind(answer)
    if expected.startswith("ok"):
        return found in ("ok", "noop-idle")
    return expected.startswith(found)


@pytest.fixture
def served(world: World) -> World:
    """Version 2 was rolled back as bad, version 3 is live, versions 4 and 5 are somebody else's."""
    for name in ("1.0", "1.1"):
        assert world.release(name, NOW)["status"] == Status.LIVE
    assert world.command("rollback")["version"] == "2"
    assert world.command("rollback", to="3", force=True)["version"] == "3"
    for description in ("mine", "mine too"):
        world.configure(Timeout=len(description))
        world.lambda_.publish_version(FunctionName=world.function, Description=description)
    assert world.versions == ["1", "2", "3", "4", "5"]
    return world


def test_foreign_commands_are_answered_in_their_class_and_a_refusal_changes_nothing(served: World) -> None:
    wrong: list[tuple[Any, Answer]] = []
    for row in csv.DictReader(CORPUS.open()):
        payload = json.loads(row["command"].replace('"myapp"', f'"{served.application}"'))
        if row["expected"] == "noop-idle" and payload["action"] == "rollback":
            continue  # an earlier release is recorded here: it would be rolled back to, as test_commands shows
        before = served.alias
        served.calls.clear()
        answer = served.tell(events.parse(payload, served.settings, {served.application}))
        changed = [call for call in served.calls if call.startswith(CHANGING)]
        if not fits(row["expected"], answer) or changed or served.alias != before:
            wrong.append((payload, answer))
    assert wrong == []
