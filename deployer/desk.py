"""Where a command goes: looked up, moved, or kept in order."""

from deployer import answers, commands
from deployer.answers import Answer
from deployer.lookup import Lookup
from deployer.moves import Moves
from deployer.upkeep import Upkeep


def answer(look: Lookup, command: commands.Command) -> Answer:  # noqa: PLR0911 - one line a command
    """Answer a command for one application."""
    match command:
        case commands.ShowStatus():
            return status(look)
        case commands.ShowHistory():
            records = look.deployer.aws.records.newest(look.application, command.limit)
            return answers.history(look.application, records)
        case commands.RollBack():
            return Moves(look).roll_back(command)
        case commands.Promote():
            return Moves(look).promote(command)
        case commands.Abort():
            return Moves(look).abort(command)
        case commands.Pause() | commands.Resume():
            return Moves(look).pause(command)
        case commands.Validate():
            return Upkeep(look).validate(command)
        case commands.Redeploy():
            return Upkeep(look).redeploy(command)
        case commands.Prune():
            return Upkeep(look).prune(command)


def status(look: Lookup) -> Answer:
    """Tell where the traffic is, and which releases are under way."""
    alias = look.alias()
    return answers.status(look.application, alias, list(look.serving(alias)), look.under_way(), look.deployer.now())
