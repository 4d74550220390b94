"""Every event and command at each point of a release: the answer, the ending, and the traffic afterwards.

In every row the release has one end. The alias is whole unless a person split it, and a rollout that runs again does
not revive the release.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from deployer import events
from deployer.model.drop import Drop
from deployer.model.status import Status
from tests.workflow.conftest import Worlds
from tests.workflow.world import NOW, World


def test_an_example_an_abort_in_the_first_stage_brings_the_old_release_back(applications: "Applications") -> None:
    """The row `mid-bake | abort` by hand; every row of the tables below is run and held to its cells like this."""
    world = applications.of("an example")  # the old release, version 3, has all traffic
    drop = world.drop("2.0", f"[rollout]\n{STRATEGIES['stages']}\n")
    answers = []
    world.at_look(1, lambda: answers.append(world.command("abort")))  # mid-bake: version 4 has 10 %
    ended = world.roll_out(drop)
    assert "(version 3) again" in answers[0]["answer"]
    assert ended["status"] == world.record(drop).status == "aborted"
    assert world.alias.traffic == ("3", None, 0)


STRATEGIES = {
    "all-at-once": 'strategy = "all-at-once"',
    "canary": 'strategy = "canary"\nbake = "5m"',
    "linear": 'strategy = "linear"\nweight = 40\nbake = "5m"',
    "stages": 'stages = [{ weight = 10, bake = "5m" }, { weight = 50, bake = "5m" }]',
    "Canary10Percent1Minute": 'strategy = "Canary10Percent1Minute"',
    "Linear45PercentEvery1Minute": 'strategy = "Linear45PercentEvery1Minute"',
}

# Every strategy with every end it can have. The event comes at the first look; all-at-once has no look.
ENDS = """
strategy                    | what happens    | ends        | alias
all-at-once                 | nothing         | live        | new
all-at-once                 | no archive      | rejected    | old
all-at-once                 | cannot start    | failed      | old
all-at-once                 | the same again  | duplicate   | old
canary                      | nothing         | live        | new
canary                      | no archive      | rejected    | old
canary                      | cannot start    | failed      | old
canary                      | calls fail      | rolled-back | old
canary                      | abort           | aborted     | old
canary                      | newer drop      | superseded  | newer
canary                      | moved by hand   | overtaken   | old 70 new 30
linear                      | nothing         | live        | new
linear                      | calls fail      | rolled-back | old
linear                      | abort           | aborted     | old
linear                      | newer drop      | superseded  | newer
linear                      | moved by hand   | overtaken   | old 70 new 30
stages                      | nothing         | live        | new
stages                      | the same again  | duplicate   | old
Canary10Percent1Minute      | calls fail      | rolled-back | old
Linear45PercentEvery1Minute | nothing         | live        | new
"""

# Every command and every event at every point of a release in two stages, 10 % and 50 %; there are no calls, and
# the manifest's `inconclusive` is "promote". `previous` is the release before the live one, `old`.
POINTS = """
point          | what happens            | answer                                       | ends        | alias
before publish | status                  | {name} is being bundled                      | live        | new
in smoke       | status                  | {name} is published                          | live        | new
mid-bake       | status                  | {name} is at stage 1 of 2, 10 %              | live        | new
last stage     | status                  | {name} is at stage 2 of 2, 50 %              | live        | new
mid-bake       | history                 | {name} (version {new}) shifting              | live        | new
mid-bake       | validate key={key}      | {name} would be accepted                     | live        | new
before publish | prune keep=1            | deleted                                      | live        | new
in smoke       | prune keep=1            | deleted                                      | live        | new
last stage     | prune keep=1            | deleted                                      | live        | new
mid-bake       | redeploy release={name} dry_run | would roll out {name} again                  | live        | new
before publish | promote                 | nothing to do                                | live        | new
in smoke       | promote full            | nothing to do                                | live        | new
mid-bake       | promote                 | done: shift 50 %                             | live        | new
mid-bake       | promote weight=50       | done: shift 50 %                             | live        | new
mid-bake       | promote weight=33       | refused                                      | live        | new
mid-bake       | promote full            | done: promote {name} (version {new})         | live        | new
mid-bake       | promote full dry_run    | would promote {name} (version {new})         | live        | new
last stage     | promote                 | done: promote {name} (version {new})         | live        | new
before publish | pause                   | nothing to do                                | live        | new
in smoke       | resume                  | nothing to do                                | live        | new
mid-bake       | resume                  | nothing to do                                | live        | new
mid-bake       | pause dry_run           | would pause at 10 %                          | live        | new
mid-bake       | pause, then resume      | done: pause at 10 %                          | live        | new
mid-bake       | pause, then abort       | done: pause at 10 %                          | aborted     | old
mid-bake       | pause, then promote     | done: pause at 10 %                          | live        | new
last stage     | pause, then resume      | done: pause at 50 %                          | live        | new
last stage     | pause, then rollback    | done: pause at 50 %                          | rolled-back | old
before publish | abort                   | aborted {name} before it had any traffic     | aborted     | old
in smoke       | abort                   | aborted {name} before it had any traffic     | aborted     | old
mid-bake       | abort                   | (version {old}) again                        | aborted     | old
last stage     | abort                   | (version {old}) again                        | aborted     | old
last stage     | abort dry_run           | would abort                                  | live        | new
before publish | rollback                | (version {old}) to                           | live        | new
in smoke       | rollback                | (version {old}) to                           | live        | new
mid-bake       | rollback                | (version {old}) again                        | rolled-back | old
mid-bake       | rollback to={previous}  | (version {old}) to                           | rolled-back | previous
last stage     | rollback                | (version {old}) again                        | rolled-back | old
last stage     | rollback dry_run        | would roll back: version {new} loses its 50 %| live        | new
before publish | alarm red               | nothing to do                                | rolled-back | old
in smoke       | alarm red               | nothing to do                                | rolled-back | old
mid-bake       | alarm red               | (version {old}) again                        | rolled-back | old
last stage     | alarm red               | (version {old}) again                        | rolled-back | old
mid-bake       | alarm event late        | nothing to do                                | live        | new
mid-bake       | calls fail              |                                              | rolled-back | old
last stage     | calls fail              |                                              | rolled-back | old
in smoke       | cannot start            |                                              | failed      | old
before publish | same event again        | started 1 release                            | live        | new
in smoke       | same event again        | started 1 release                            | live        | new
mid-bake       | same event again        | started 1 release                            | live        | new
last stage     | same event again        | started 1 release                            | live        | new
before publish | newer drop              | live                                         | superseded  | newer
in smoke       | newer drop              | live                                         | superseded  | newer
mid-bake       | newer drop              | live                                         | superseded  | newer
last stage     | newer drop              | live                                         | superseded  | newer
before publish | moved by hand           |                                              | live        | new
mid-bake       | moved by hand           |                                              | overtaken   | old 70 new 30
last stage     | moved by hand           |                                              | overtaken   | old 70 new 30
before publish | execution FAILED        | {name} ended failed                          | failed      | old
in smoke       | execution TIMED_OUT     | {name} ended failed                          | failed      | old
mid-bake       | execution STOPPED       | {name} ended failed                          | failed      | old
last stage     | execution TIMED_OUT     | {name} ended failed                          | failed      | old
"""

type Row = dict[str, str]
Answer = dict[str, Any]

_ANSWERS_ONLY = ("nothing to do", "would ", "refused")
_names = itertools.count(1)


def rows(table: str, group: Callable[[Row], str]) -> list[Any]:
    """Read a table: each row is a test of its own, in the order of their groups."""
    head, *lines = ([cell.strip() for cell in line.split("|")] for line in table.strip().splitlines())
    found = sorted((dict(zip(head, line, strict=True)) for line in lines), key=group)
    return [pytest.param(group(row), row, id=": ".join(list(row.values())[:2])) for row in found]


class Applications:
    """One application at a time: rows of one group share it, for its first two releases take longer than a row."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds
        self._open = ExitStack()
        self._group = ""

    def of(self, group: str) -> World:
        """An application with a live release, version 3, and the one before it, version 2."""
        if group != self._group:
            self.close()
            self._group, self._world = group, self._open.enter_context(self._worlds())
            for name in ("1.0", "1.1"):
                assert self._world.release(name, NOW)["status"] == Status.LIVE
        return self._world

    def close(self) -> None:
        self._open.close()


@pytest.fixture(scope="module")
def applications(worlds: Worlds) -> Iterator[Applications]:
    found = Applications(worlds)
    yield found
    found.close()


@pytest.fixture
def served(applications: Applications, group: str) -> Iterator[World]:
    """The application of a group, put back afterwards to how it stood."""
    world = applications.of(group)
    before = world.lambda_.get_alias(FunctionName=world.function, Name="live")
    yield world
    world.forget_plans()
    world.alarm("OK")
    world.lambda_.update_alias(
        FunctionName=world.function,
        Name="live",
        FunctionVersion=before["FunctionVersion"],
        Description=before["Description"],
        RoutingConfig={"AdditionalVersionWeights": {}},
    )


@dataclass
class Case:
    """A release on its way, and what happens to it."""

    world: World
    drop: Drop
    newer: list[Drop] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def words(self) -> dict[str, str]:
        """The tables' names of the release and the versions."""
        new = self.world.record(self.drop).version or "none"
        return {"name": self.drop.label, "key": self.drop.key, "previous": "2", "old": "3", "new": new}

    def happen(self, what: str) -> None:
        """Do what a table's cell names, and check what is true of every command."""
        self.world.forget_plans()
        before, written = self.world.alias, self.world.calls.count("UpdateAlias")
        command, _, then = what.partition(", then ")
        if then:
            self.world.at_look(self.world.looks + 5, lambda: self.world.command(then))
        happening = HAPPENINGS.get(command.split()[0]) or HAPPENINGS.get(command)
        answer = happening(self) if happening else self._command(command)
        self.answers.append(answer)
        if str(answer.get("answer")).startswith(_ANSWERS_ONLY):
            assert self.world.alias == before
        assert happening or self.world.calls.count("UpdateAlias") - written <= 1

    def _command(self, text: str) -> Answer:
        action, *fields = text.format(**self.words).split()
        pairs = [one.partition("=") for one in fields]
        return self.world.command(action, **{name: _value(name, value) for name, _, value in pairs})

    def stands(self) -> str:
        """Return the traffic, in the tables' words."""
        of = {self.words[name]: name for name in ("previous", "old", "new")}
        of |= {str(self.world.record(drop).version): "newer" for drop in self.newer}
        stable, canary, weight = self.world.alias.traffic
        return f"{of[stable]} {100 - weight} {of[canary]} {weight}" if canary else of[stable]


def _value(name: str, value: str) -> str | int | bool:
    if name in ("keep", "weight"):
        return int(value)
    return value or True


# --- what happens without a command -------------------------------------------------------------------------------


def calls_fail(case: Case) -> Answer:
    """Twenty callers of the new version get an error."""
    case.world.serve(case.words["new"], 20, errors=20)
    return {}


def newer_drop(case: Case) -> Answer:
    """Another archive is dropped under the same name, and goes all its way."""
    case.newer.append(case.world.drop(case.drop.label, NOW))
    return {"answer": case.world.roll_out(case.newer[0])["status"]}


def moved_by_hand(case: Case) -> Answer:
    """A person gives the new version 30 %, or goes back to the previous one while there is no new version."""
    if case.world.alias.canary:
        case.world.split(case.words["new"], 30)
    else:
        case.world.lambda_.update_alias(FunctionName=case.world.function, Name="live", FunctionVersion="2")
    return {}


def execution_ends(case: Case, status: str) -> Answer:
    """End the execution in the engine; the process is not notified, and goes on."""
    return case.world.tell(case.world.engine_ends(case.drop, status))


HAPPENINGS: dict[str, Callable[[Case], Answer]] = {
    **dict.fromkeys(
        ("nothing", "no archive", "cannot start", "the same again"), lambda case: {"answer": case.drop.label}
    ),
    "calls fail": calls_fail,
    "alarm red": lambda case: case.world.hear(case.world.alarm("ALARM")),
    "alarm event late": lambda case: case.world.hear(case.world.alarm("OK")),
    "same event again": lambda case: case.world.tell(events.Drops(drops=(case.drop,))),
    "newer drop": newer_drop,
    "moved by hand": moved_by_hand,
    **{f"execution {one}": partial(execution_ends, status=one) for one in ("FAILED", "TIMED_OUT", "STOPPED")},
}


# --- the tests ----------------------------------------------------------------------------------------------------


def dropped(world: World, row: Row, strategy: str) -> Drop:
    """Drop the release that a row is about."""
    manifest = f'[rollout]\n{STRATEGIES[strategy]}\ninconclusive = "promote"\n'
    if row["what happens"] == "the same again":
        return world.drop("1.1", NOW)
    name = f"2.{next(_names)}" + ("-broken" if row["what happens"] == "cannot start" else "")
    return world.drop(name, manifest, body=b"PK, but no archive" if row["what happens"] == "no archive" else None)


def check(case: Case, row: Row) -> None:
    """Run the release to its end and hold it to its row; then run it again, as a late duplicate would."""
    ended = case.world.roll_out(case.drop)
    assert (ended["status"], case.stands()) == (row["ends"], row["alias"]), ended
    assert case.world.record(case.drop).status == row["ends"]
    stands = case.world.alias, case.world.record(case.drop)
    assert case.world.roll_out(case.drop) == ended
    assert (case.world.alias, case.world.record(case.drop)) == stands


@pytest.mark.parametrize(("group", "row"), rows(ENDS, lambda _: "ends"))
def test_every_strategy_has_every_end(served: World, row: Row) -> None:
    case = Case(served, dropped(served, row, row["strategy"]))
    served.at_look(1, lambda: case.happen(row["what happens"]))
    check(case, row)


@pytest.mark.parametrize(("group", "row"), rows(POINTS, lambda row: row["point"]))
def test_every_command_and_every_event_at_every_point(served: World, row: Row) -> None:
    case = Case(served, dropped(served, row, "stages"))
    at: dict[str, Callable[[Callable[[], None]], None]] = {
        "before publish": lambda act: served.before_call("CreateMultipartUpload", act),
        "in smoke": lambda act: served.before_call("Invoke", act),
        "mid-bake": lambda act: served.at_look(1, act),
        "last stage": lambda act: served.at_look(11, act),
    }
    at[row["point"]](lambda: case.happen(row["what happens"]))
    check(case, row)
    assert row["answer"].format(**case.words) in str(case.answers[0].get("answer"))
