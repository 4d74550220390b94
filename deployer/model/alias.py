"""Pure: an alias as it is, and as a move changes it. The alias is the truth about traffic."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field

from deployer.model.value import Value

Version = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$")]
ADMINISTRATION = "administration"
"""The controller's alias for what cannot be undone and what concerns all applications. No application has this name."""
_PAIR = re.compile(r"(\w+)=(\S+)")


def needs_administration(action: str, *, force: bool) -> bool:
    """Return whether a command about one application goes through the alias for what cannot be undone."""
    return action == "prune" or (action == "redeploy" and force)


class Move(StrEnum):
    """Why the deployer last wrote the alias."""

    SHIFT = "shift"
    PROMOTE = "promote"
    ROLL_BACK = "roll-back"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"


class AliasState(Value):
    """The state that changes atomically with the alias, recorded in the alias's description.

    A move in the console does not change the description. Therefore it also records the traffic that it belongs to.
    """

    move: Move
    release: str
    """The release id that the move was for."""
    stable: Version
    canary: Version | None = None
    weight: int = 0
    previous: Version | None = None
    """Version that a rollback goes back to."""
    paused: bool = False
    by_command: bool = False
    """True if a command made this move. The command also updates the record; repeating it must do nothing."""

    def encode(self) -> str:
        """Return the state as `key=value` pairs: under 256 characters, readable in the console."""
        pairs = self.model_dump(mode="json", exclude_defaults=True)
        return " ".join(f"{key}={str(value).lower()}" for key, value in pairs.items())

    @classmethod
    def parse(cls, description: str) -> "AliasState | None":
        """Return the state that a description records; None for a description that the deployer did not write."""
        try:
            return cls.model_validate(dict(_PAIR.findall(description)))
        except ValueError:
            return None


class Alias(Value):
    """An alias: one stable version, at most one canary with a share of the traffic in whole percent."""

    name: str
    stable: str
    canary: str | None = None
    weight: int = 0
    revision: str
    recorded: AliasState | None = None

    @property
    def managed(self) -> bool:
        """Return whether the alias is as the deployer last wrote it, not moved by a person or another tool."""
        state = self.recorded
        return state is not None and (state.stable, state.canary, state.weight) == self.traffic

    @property
    def paused(self) -> bool:
        """Return whether a command paused the rollout at its stage."""
        return self.managed and self.recorded is not None and self.recorded.paused

    @property
    def rolled_back(self) -> bool:
        """Return whether the last move was a rollback by command, so that the same command again changes nothing."""
        return (
            self.managed
            and self.recorded is not None
            and self.recorded.move is Move.ROLL_BACK
            and self.recorded.by_command
        )

    @property
    def previous(self) -> str | None:
        """The version that a rollback goes back to; None if none was recorded, or if others moved the alias."""
        return self.recorded.previous if self.managed and self.recorded else None

    @property
    def traffic(self) -> tuple[str, str | None, int]:
        """The stable version, the canary and the canary's weight."""
        return self.stable, self.canary, self.weight

    def names(self, version: str) -> bool:
        """Return whether a version has any of the traffic."""
        return version in (self.stable, self.canary)

    def same_as(self, other: "Alias") -> bool:
        """Return whether traffic and recorded state are equal; the revision is not compared."""
        return (self.traffic, self.recorded) == (other.traffic, other.recorded)

    def shift(self, release: str, version: str, weight: int) -> Self:
        """Return the alias with a share of the traffic, in percent, on a version; another canary loses its share."""
        return self._moved(Move.SHIFT, release, canary=version, weight=weight)

    def promote(self, release: str, version: str) -> Self:
        """Return the alias with all traffic on a version, and the one that had it as the previous."""
        previous = self.stable if self.stable != version else self.previous
        return self._moved(Move.PROMOTE, release, stable=version, previous=previous)

    def remove_canary(self, release: str, move: Move, *, by_command: bool = False) -> Self:
        """Return the alias with all traffic on the stable version."""
        return self._moved(move, release, by_command=by_command)

    def abort_waiting(self, release: str) -> Self:
        """Record that a command ended a release before it had traffic. A move by others still counts as theirs."""
        if self.recorded is None or self.managed:
            return self.remove_canary(release, Move.ABORT, by_command=True)
        state = self.recorded.model_copy(
            update={"move": Move.ABORT, "release": release, "paused": False, "by_command": True}
        )
        return self.model_copy(update={"recorded": state})

    def roll_back_to(self, release: str, version: str) -> Self:
        """Return the alias with all traffic on an earlier version, and no previous one for a second rollback."""
        return self._moved(Move.ROLL_BACK, release, stable=version, previous=None, by_command=True)

    def pause(self, *, paused: bool) -> Self:
        """Return the alias with the same traffic and a request to the rollout: to stay at its stage, or to go on."""
        move, release = (Move.PAUSE if paused else Move.RESUME), (self.recorded.release if self.recorded else "")
        return self._moved(move, release, canary=self.canary, weight=self.weight, paused=paused)

    def _moved(self, move: Move, release: str, **changed: object) -> Self:
        """Return the alias and its recorded state after a move: without a canary, and otherwise as they are."""
        kept = {"stable": self.stable, "previous": self.previous}
        state = AliasState.model_validate({"move": move, "release": release, **kept, **changed})
        traffic = {"stable": state.stable, "canary": state.canary, "weight": state.weight}
        return self.model_copy(update={**traffic, "recorded": state})
