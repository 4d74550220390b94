"""The commands that each alias of the controller takes, and the recorded sender."""

from typing import Any

import pytest

from deployer import events
from deployer.commands.command import Command
from deployer.commands.sender import Sender
from deployer.model.alias import ADMINISTRATION
from tests.faults.wiring import context
from tests.pure.values import APPLICATIONS, SETTINGS

HELLO, ORDERS, ALL, FUNCTION, LATEST = "hello", "orders", ADMINISTRATION, "", "$LATEST"
STATUS = {"action": "status", "application": "hello"}
REDEPLOY = {"action": "redeploy", "application": "hello", "release": "1.4.0"}


def parsed(payload: dict[str, Any]) -> Command:
    return events.parse(payload, SETTINGS, APPLICATIONS)  # type: ignore[return-value]  # each of these is a command


@pytest.mark.parametrize(
    ("payload", "through"),
    [
        (STATUS, {HELLO, ALL}),
        ({"action": "rollback", "application": "hello", "force": True, "to": "1.4.0"}, {HELLO, ALL}),
        (REDEPLOY, {HELLO, ALL}),
        (REDEPLOY | {"force": True}, {ALL}),
        ({"action": "status"}, {ALL}),
        ({"action": "prune", "application": "hello"}, {ALL}),
        ({"action": "prune", "application": "hello", "dry_run": True}, {ALL}),
    ],
)
def test_a_command_comes_through_the_alias_of_its_application_or_of_administration(
    payload: dict[str, Any], through: set[str]
) -> None:
    command = parsed(payload)
    taken = {one for one in (HELLO, ORDERS, ALL, FUNCTION, LATEST, "7") if not Sender(alias=one).objection(command)}
    assert taken == through


def test_an_event_comes_through_no_alias() -> None:
    assert [one for one in (HELLO, ALL, FUNCTION, LATEST) if not Sender(alias=one).objection(None)] == [FUNCTION]


@pytest.mark.parametrize(
    ("alias", "payload", "words"),
    [
        (
            "orders",
            STATUS,
            'status of hello through the alias "orders"; allowed: the alias "hello" or the alias "administration"',
        ),
        ("", STATUS, "status of hello through the function without an alias"),
        ("hello", REDEPLOY | {"force": True}, 'redeploy with "force" of hello through the alias "hello"'),
        ("hello", {"action": "status"}, 'status of all applications through the alias "hello"'),
    ],
)
def test_a_refusal_says_what_came_in_where_and_the_way_that_it_may_come(
    alias: str, payload: dict[str, Any], words: str
) -> None:
    problem = Sender(alias=alias).objection(parsed(payload))
    assert words in str(problem)
    assert "docs/operations.md" in str(problem)


@pytest.mark.parametrize(
    ("alias", "payload", "completed"),
    [
        ("hello", {"action": "status"}, STATUS),
        ("orders", STATUS, STATUS),
        (ADMINISTRATION, {"action": "status"}, {"action": "status"}),
        ("", {"action": "status"}, {"action": "status"}),
        ("hello", {"Records": []}, {"Records": []}),
        ("hello", None, None),
    ],
)
def test_a_command_without_an_application_is_for_the_one_whose_alias_was_invoked(
    alias: str,
    payload: Any,  # noqa: ANN401 - anything may arrive
    completed: object,
) -> None:
    assert Sender(alias=alias).completed(payload) == completed


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (None, ""),
        ({"by": "ann"}, "ann"),
        ({"by": " ann\n{}\u202e "}, "ann\\n{}\\u202e"),
        ({"by": "x" * 3_000}, "x" * 79 + "…"),
        ({"by": {"name": "ann"}}, ""),
        (["by"], ""),
        ("by", ""),
        ({}, ""),
    ],
)
def test_the_name_in_the_client_context_is_a_bounded_printable_text_or_none(client: object, name: str) -> None:
    assert Sender.of(context("hello", client)) == Sender(alias="hello", name=name)


@pytest.mark.parametrize("alias", ["", "hello", "$LATEST", "7"])
def test_the_alias_is_read_off_the_arn_that_was_invoked(alias: str) -> None:
    assert Sender.of(context(alias)).alias == alias
