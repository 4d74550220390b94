"""Where a command goes: looked up, moved, or kept in order."""

from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import Lookup
from deployer.commands.command import (
    Abort,
    Command,
    Pause,
    Promote,
    Prune,
    Redeploy,
    Resume,
    RollBack,
    ShowHistory,
    ShowStatus,
    Validate,
)
from deployer.commands.maintenance import Upkeep
from deployer.commands.traffic import Moves


def answer(look: Lookup, command: Command) -> Answer:  # noqa: PLR0911 - one line a command
    """Answer a command for one application."""
    match command:
        case ShowStatus():
            return status(look)
        case ShowHistory():
            records = look.deployer.aws.records.newest(look.application, command.limit)
            return answers.history(look.application, records)
        case RollBack():
            return Moves(look).roll_back(command)
        case Promote():
            return Moves(look).promote(command)
        case Abort():
            return Moves(look).abort(command)
        case Pause() | Resume():
            return Moves(look).pause(command)
        case Validate():
            return Upkeep(look).validate(command)
        case Redeploy():
            return Upkeep(look).redeploy(command)
        case Prune():
            return Upkeep(look).prune(command)


def status(look: Lookup) -> Answer:
    """Tell where the traffic is, and which releases are under way."""
    alias = look.alias()
    return answers.status(look.application, alias, list(look.serving(alias)), look.under_way(), look.deployer.now())
