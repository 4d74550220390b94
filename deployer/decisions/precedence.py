"""Pure: how a release stands with its application's alias: may it begin, may it go on, who ended it."""

from collections.abc import Mapping

from deployer.model.alias import Alias, Move, Note
from deployer.model.drop import Age, Imprint
from deployer.model.status import Ending, Status

_BY_HAND = {Move.ABORT: Status.ABORTED, Move.ROLL_BACK: Status.ROLLED_BACK}


def barred(alias: Alias, mine: Age, imprints: Mapping[str, Imprint | None]) -> Ending | None:
    """Say why a release may not begin to take traffic; None when it may.

    `imprints` tells which releases the alias's versions are. The newest drop wins: an older one that comes late is
    superseded, a newer one takes the share of an older one. A split that is not the deployer's is left alone.
    """
    if stopped := _stopped_by_hand(alias, mine.release_id):
        return stopped
    if alias.canary and not alias.ours:
        found = f"{alias.weight} % of the traffic on version {alias.canary}"
        return Ending(
            status=Status.OVERTAKEN, reason=f"somebody else is shifting the alias ({found}); it is left alone"
        )
    for version in (alias.canary, alias.stable):
        imprint = imprints.get(version) if version else None
        if imprint and imprint.age.newer_than(mine):
            return Ending(status=Status.SUPERSEDED, reason=f'release "{imprint.label}" was dropped later')
    return None


def taken_away(alias: Alias, release_id: str, version: str) -> Ending | None:
    """Say who ended a release that had a share of the traffic; None while it still has it.

    The alias tells: its note names the deployer's last move, and a move that is not in the note is a person's.
    """
    if not alias.ours or alias.note is None:
        share = f", version {alias.canary} with {alias.weight} %" if alias.canary else ""
        now = f"version {alias.stable}{share}"
        return Ending(status=Status.OVERTAKEN, reason=f"the alias was moved by others and stands on {now}")
    if alias.canary == version:
        return None
    if alias.stable == version:
        return Ending(status=Status.LIVE, reason="promoted by command")
    if stopped := _stopped_by_hand(alias, release_id):
        return stopped
    if alias.note.move in (Move.SHIFT, Move.PROMOTE):
        return Ending(status=Status.SUPERSEDED, reason=f"release {alias.note.release} was dropped later")
    return Ending(status=Status.OVERTAKEN, reason=f"the alias was moved: {alias.note.move} to version {alias.stable}")


def _stopped_by_hand(alias: Alias, release_id: str) -> Ending | None:
    """Read off the alias's note that a command ended this very release, even before it had any traffic."""
    return told_by(alias.note) if alias.ours and alias.note and alias.note.release == release_id else None


def told_by(note: Note) -> Ending | None:
    """Say how the release of a note ends; None for a note of a move that ends none."""
    status = _BY_HAND.get(note.move)
    return Ending(status=status, reason=f"{note.move} by command") if status else None
