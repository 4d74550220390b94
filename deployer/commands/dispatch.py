"""Passes each command to the code that answers it: a lookup, a move of traffic, or maintenance."""

from deployer.commands import history, status
from deployer.commands.answers import Answer
from deployer.commands.application import Application
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
from deployer.commands.maintenance import redeploy, validate
from deployer.commands.promotion import pause, promote
from deployer.commands.prune import prune
from deployer.commands.read_state import read_state
from deployer.commands.removal import abort
from deployer.commands.rollback import roll_back


def dispatch(app: Application, command: Command) -> Answer:  # noqa: PLR0911 - one line per command
    """Answer a command for one application."""
    match command:
        case ShowStatus():
            return status.status(app.name, read_state(app), app.deployer.now())
        case ShowHistory():
            keep_days = app.deployer.settings.keep_records_days
            return history.history(app.name, app.recent(command.limit), command.limit, keep_days)
        case RollBack():
            return roll_back(app, command)
        case Promote():
            return promote(app, command)
        case Abort():
            return abort(app, command)
        case Pause() | Resume():
            return pause(app, command)
        case Validate():
            return validate(app, command)
        case Redeploy():
            return redeploy(app, command)
        case Prune():
            return prune(app, command)
