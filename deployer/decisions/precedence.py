"""Pure: which of several writers wins an alias: may a release begin, may it go on, and who ended it."""

from collections.abc import Mapping

from deployer.model.alias import Alias, AliasState, Move
from deployer.model.drop import VersionDescription
from deployer.model.status import Ending, Status

_ENDING_MOVES = {Move.ABORT: Status.ABORTED, Move.ROLL_BACK: Status.ROLLED_BACK}


def refusal_to_start(
    alias: Alias, mine: VersionDescription, descriptions: Mapping[str, VersionDescription | None]
) -> Ending | None:
    """Return why a release may not begin to take traffic; None when it may.

    `descriptions` are those of the alias's versions. The newest drop wins: an older one that comes late is superseded,
    and a newer one takes the share of an older one. A split that others made is left alone.
    """
    if stopped := ended_by_command(alias, mine.release_id):
        return stopped
    if alias.canary and not alias.managed:
        found = f"{alias.weight} % of the traffic on version {alias.canary}"
        return Ending(status=Status.OVERTAKEN, reason=f"another tool is shifting the alias ({found}); it is left alone")
    for version in (alias.canary, alias.stable):
        description = descriptions.get(version) if version else None
        if description and description.newer_than(mine):
            return Ending(status=Status.SUPERSEDED, reason=f'release "{description.label}" was dropped later')
    return None


def ended_by_others(alias: Alias, release_id: str, version: str) -> Ending | None:
    """Return how others ended a release that had a share of the traffic; None while it still has it.

    The alias's description records the deployer's last move. A move that is not recorded there was made by a person.
    """
    if not alias.managed or alias.recorded is None:
        share = f", version {alias.canary} with {alias.weight} %" if alias.canary else ""
        now = f"version {alias.stable}{share}"
        return Ending(status=Status.OVERTAKEN, reason=f"the alias was moved by others and stands on {now}")
    if alias.canary == version:
        return None
    if alias.stable == version:
        return Ending(status=Status.LIVE, reason="promoted by command")
    if stopped := ended_by_command(alias, release_id):
        return stopped
    if alias.recorded.move in (Move.SHIFT, Move.PROMOTE):
        return Ending(status=Status.SUPERSEDED, reason=f"release {alias.recorded.release} was dropped later")
    return Ending(
        status=Status.OVERTAKEN, reason=f"the alias was moved: {alias.recorded.move} to version {alias.stable}"
    )


def ended_by_command(alias: Alias, release_id: str) -> Ending | None:
    """Return the ending if the alias records that a command ended this release, even before it had any traffic.

    That holds after any later move of the alias.
    """
    state = alias.recorded
    return ending_from_state(state) if state and state.release == release_id else None


def ending_from_state(state: AliasState) -> Ending | None:
    """Return how the release of a recorded move ended; None for a move that ends no release."""
    status = _ENDING_MOVES.get(state.move)
    return Ending(status=status, reason=f"{state.move} by command") if status else None
