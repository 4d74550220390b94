"""Whichever process dies during a rollback, the bytes that were rolled back need force afterwards."""

from collections.abc import Iterator

import pytest

from tests.faults.account import BUNDLES, Call
from tests.faults.faults import DELETED, Fault, Kind
from tests.faults.flows import STAGES, named, prepared, two_live
from tests.faults.invariants import violations
from tests.faults.matrix import Shot, broken, course
from tests.faults.wiring import inhabited
from tests.faults.world import World

MANUAL = named("manual rollback")


def marks(world: World) -> list[str]:
    return [key for key in world.account.s3.buckets[BUNDLES].objects if "/rolled-back/" in key]


def dies_after_moving(call: Call) -> Kind | None:
    """Kill a process at its first write to S3."""
    return Kind.KILLED_BEFORE if call.operation == "PutObject" else None


@pytest.fixture
def given_up() -> Iterator[World]:
    """Return a world in which a command moved the alias back, died each time it was sent, and was given up."""
    with inhabited(prepared(two_live)) as world:
        world.account.chance = dies_after_moving
        world.command("rollback")
        world.account.mend()
        world.unanswered.clear()
        yield world


@pytest.mark.parametrize("kind", [Kind.KILLED_BEFORE, Kind.KILLED_AFTER], ids=lambda kind: kind.name.lower())
def test_a_rollback_by_hand_that_dies_at_any_call_leaves_its_bytes_marked(kind: Kind) -> None:
    deaths = [Shot(MANUAL, (Fault(point.number, kind),)) for point in course(MANUAL).points]
    assert broken(deaths) == []


def test_a_rollback_that_is_said_again_writes_down_the_one_that_died(given_up: World) -> None:
    assert given_up.alias().traffic == {"2": 100}
    assert marks(given_up) == []
    answer = given_up.command("rollback")
    assert answer["answer"].startswith("nothing to do")
    assert len(marks(given_up)) == 1
    record = given_up.recorded(given_up.drops[1])
    assert record.timeline[-1].what == "roll back from 1.1 (version 3) to 1.0 (version 2)"


def test_a_rollback_that_is_said_again_marks_bytes_whose_record_was_deleted_meanwhile(given_up: World) -> None:
    given_up.account.s3.hide(BUNDLES, DELETED[Kind.RECORDS_DELETED])
    assert given_up.command("rollback")["answer"].startswith("nothing to do")
    assert len(marks(given_up)) == 1


def test_a_dry_run_finishes_nothing(given_up: World) -> None:
    given_up.command("rollback", dry_run=True)
    assert marks(given_up) == []


def test_the_note_of_a_rollback_that_died_is_heeded_before_another_replaces_it(given_up: World) -> None:
    given_up.released("1.2", STAGES)
    assert given_up.alias().traffic == {"4": 100}
    assert violations(given_up) == []


def test_the_note_of_an_abort_that_died_is_heeded_before_another_replaces_it() -> None:
    with inhabited(prepared(two_live)) as world:
        world.drop("1.2", STAGES)
        world.run(until=world.shifting)
        world.account.chance = dies_after_moving
        world.command("abort", release="1.2")
        world.account.mend()
        world.unanswered.clear()
        assert world.command("rollback")["answer"].startswith("rolled back")
        world.run()
    assert world.recorded().status == "aborted"
    assert violations(world) == []


def test_a_rollback_mid_bake_that_dies_is_finished_by_the_rollout(baking: World) -> None:
    baking.account.chance = lambda call: dies_after_moving(call) if call.actor == "controller" else None
    baking.command("rollback", release="1.1")
    baking.account.mend()
    baking.run()
    assert baking.recorded().status == "rolled-back"
    assert len(marks(baking)) == 1
