"""The life of an alias as a model: drops, looks, commands, strangers and deaths in any order, on the pure core.

Every actor reads the alias, and writes later what it decided then: its write counts only if nobody wrote in between.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from deployer.decisions import precedence
from deployer.model.alias import Alias, AliasState, Move
from deployer.model.drop import VersionDescription
from deployer.model.status import Ending, Status

STAGES = (10, 50)
STRANGER = "a stranger"


@dataclass
class Rolling:
    """One release's rollout: what it has, and what it believes and wants until its next write."""

    description: VersionDescription
    version: str
    weight: int = 0
    end: Status | None = None
    forbidden: bool = False
    """True if a command ended it."""
    recorded: bool = False
    """True if its record has the end, too: the command writes it right after the alias."""
    belief: tuple[Alias, Alias] | None = None

    @property
    def id(self) -> str:
        return self.description.release_id


class AliasLife(RuleBasedStateMachine):
    """The moves of one alias."""

    @initialize()
    def begin(self) -> None:
        self.alias = Alias(name="live", stable="1", revision="0")
        self.rollings: list[Rolling] = []
        self.moves: list[tuple[str, Alias, Alias]] = []
        """Every move of the alias: its author, and the alias before and after it."""

    # --- who acts ----------------------------------------------------------------------------------------------------

    @rule(late=st.booleans())
    def drop(self, *, late: bool) -> None:
        number = len(self.rollings) + 1
        modified = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=-number if late else number)
        name = f"{number:032x}"
        description = VersionDescription(release_id=name, key_id="0" * 8, dropped=modified, label=name)
        self.rollings.append(Rolling(description, version=str(number + 1)))

    @precondition(lambda self: self.under_way())
    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        """A rollout reads the alias and decides; it writes later."""
        rolling = data.draw(st.sampled_from(self.under_way()))
        found = self.decide(rolling, self.alias)
        if isinstance(found, Ending):
            rolling.end, rolling.belief = found.status, None
        else:
            rolling.belief = self.alias, found

    @precondition(lambda self: any(one.belief for one in self.under_way()))
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        """A rollout writes what it decided, if the alias is still as it believed."""
        rolling = data.draw(st.sampled_from([one for one in self.under_way() if one.belief]))
        assert rolling.belief
        believed, wanted = rolling.belief
        rolling.belief = None
        if believed.revision == self.alias.revision:
            self.move(rolling.id, wanted)
            rolling.weight = wanted.weight
            rolling.end = Status.LIVE if wanted.stable == rolling.version else None

    @precondition(lambda self: self.canary())
    @rule(move=st.sampled_from([Move.ROLL_BACK, Move.ABORT]))
    def take_away(self, move: Move) -> None:
        """A command, an alarm or the janitor takes the canary's traffic."""
        canary = self.canary()
        if canary and self.alias.managed:
            self.move("somebody", self.alias.remove_canary(canary.id, move))
            canary.forbidden = True

    @precondition(lambda self: self.waiting())
    @rule(data=st.data())
    def forestall(self, data: st.DataObject) -> None:
        """A command ends a release before it has traffic."""
        rolling = data.draw(st.sampled_from(self.waiting()))
        self.move("somebody", self.alias.remove_canary(rolling.id, Move.ABORT))
        rolling.forbidden = True

    @precondition(lambda self: self.canary())
    @rule(full=st.booleans())
    def promote(self, *, full: bool) -> None:
        canary = self.canary()
        if canary and self.alias.managed:
            self.move("somebody", next_move(self.alias, canary, 100 if full else self.alias.weight))

    @precondition(lambda self: self.alias.managed and self.alias.canary)
    @rule(paused=st.booleans())
    def pause(self, *, paused: bool) -> None:
        self.move("somebody", self.alias.pause(paused=paused))

    @precondition(lambda self: self.alias.previous)
    @rule()
    def go_back(self) -> None:
        left = next((one for one in self.rollings if one.version == self.alias.stable), None)
        if self.alias.previous and not self.alias.canary:
            self.move("somebody", self.alias.roll_back_to(left.id if left else "none", self.alias.previous))
            if left:
                left.forbidden = True

    @precondition(lambda self: self.rollings)
    @rule(data=st.data(), weight=st.integers(0, 99))
    def stranger(self, data: st.DataObject, weight: int) -> None:
        """Somebody moves the alias in the console: the description stays as it was."""
        versions = data.draw(st.permutations(["1", *(one.version for one in self.rollings)]))
        canary = versions[1] if weight else None
        self.move(STRANGER, self.alias.model_copy(update={"stable": versions[0], "canary": canary, "weight": weight}))

    @precondition(lambda self: self.under_way())
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A rollout dies, and the janitor makes the alias whole."""
        rolling = data.draw(st.sampled_from(self.under_way()))
        rolling.end, rolling.belief = Status.FAILED, None
        if self.alias.canary == rolling.version and self.alias.managed:
            self.move("somebody", self.alias.remove_canary(rolling.id, Move.ROLL_BACK))

    # --- how they decide ---------------------------------------------------------------------------------------------

    def decide(self, rolling: Rolling, alias: Alias) -> Alias | Ending:
        """As the steps do."""
        held = bool(rolling.weight) or alias.stable == rolling.version
        if rolling.recorded:
            return Ending(status=Status.ABORTED, reason="its record says so")
        known = {one.version: one.description for one in self.rollings}
        descriptions = {version: known.get(version) for version in (alias.stable, alias.canary) if version}
        if held:
            ending = precedence.ended_by_others(alias, rolling.id, rolling.version)
        else:
            ending = precedence.refusal_to_start(alias, rolling.description, descriptions)
        if ending:
            return ending
        reached = alias.weight if alias.canary == rolling.version and alias.managed else rolling.weight
        return next_move(alias, rolling, reached)

    def move(self, who: str, wanted: Alias) -> None:
        for rolling in self.rollings:
            rolling.recorded = rolling.forbidden
        after = wanted.model_copy(update={"revision": str(len(self.moves) + 1)})
        self.moves.append((who, self.alias, after))
        self.alias = after

    def under_way(self) -> list[Rolling]:
        return [one for one in self.rollings if one.end is None]

    def waiting(self) -> list[Rolling]:
        """Return the releases that can be ended before they have traffic: no canary exists, and they are not stable."""
        return [one for one in self.under_way() if one.version != self.alias.stable and not self.alias.canary]

    def canary(self) -> Rolling | None:
        return next((one for one in self.rollings if one.version == self.alias.canary), None)

    # --- what must always hold ---------------------------------------------------------------------------------------

    @invariant()
    def an_alias_is_one_that_lambda_takes(self) -> None:
        assert self.alias.canary != self.alias.stable
        assert (self.alias.weight > 0) == (self.alias.canary is not None)

    @invariant()
    def a_note_says_what_was_written_and_can_be_read(self) -> None:
        if self.alias.recorded:
            assert AliasState.parse(self.alias.recorded.encode()) == self.alias.recorded
            assert len(self.alias.recorded.encode()) <= 256
            assert self.alias.previous != self.alias.stable
        if self.moves and self.moves[-1][0] != STRANGER:
            assert self.alias.managed

    @invariant()
    def a_strangers_split_is_left_alone(self) -> None:
        for who, before, _ in self.moves[-1:]:
            assert who == STRANGER or before.managed or before.canary is None

    @invariant()
    def a_share_only_grows_until_it_is_taken_away(self) -> None:
        for who, before, after in self.moves[-1:]:
            if who != STRANGER and before.canary and before.canary == after.canary:
                assert after.weight >= before.weight

    @invariant()
    def what_was_stopped_gets_nothing_from_its_rollout(self) -> None:
        for who, before, after in self.moves[-1:]:
            rolling = next((one for one in self.rollings if one.id == who), None)
            if rolling and rolling.forbidden:
                assert share(after, rolling.version) <= share(before, rolling.version)

    @invariant()
    def no_rollout_takes_the_share_of_a_newer_one(self) -> None:
        for who, before, after in self.moves[-1:]:
            mine = next((one for one in self.rollings if one.id == who), None)
            theirs = next((one for one in self.rollings if one.version == before.canary), None)
            if mine and theirs and theirs is not mine and after.canary != before.canary:
                assert not theirs.description.newer_than(mine.description)


def next_move(alias: Alias, rolling: Rolling, reached: int) -> Alias:
    """Return the alias with the stage after a percent that was reached; after the last one all traffic."""
    for weight in STAGES:
        if weight > reached:
            return alias.shift(rolling.id, rolling.version, weight)
    return alias.promote(rolling.id, rolling.version)


def share(alias: Alias, version: str) -> int:
    """Percent of the traffic that a version has."""
    return {alias.stable: 100 - alias.weight, alias.canary: alias.weight}.get(version, 0)


TestAliasLife = AliasLife.TestCase
TestAliasLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
