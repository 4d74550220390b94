"""Passes each command to the code that answers it: lookups, traffic, or maintenance."""

from deployer.commands import answers
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
from deployer.commands.maintenance import Maintenance
from deployer.commands.traffic import TrafficCommands


def dispatch(app: Application, command: Command) -> Answer:  # noqa: PLR0911 - one line per command
    """Answer a command for one application."""
    match command:
        case ShowStatus():
            return status(app)
        case ShowHistory():
            return answers.history(app.name, app.recent(command.limit))
        case RollBack():
            return TrafficCommands(app).roll_back(command)
        case Promote():
            return TrafficCommands(app).promote(command)
        case Abort():
            return TrafficCommands(app).abort(command)
        case Pause() | Resume():
            return TrafficCommands(app).pause(command)
        case Validate():
            return Maintenance(app).validate(command)
        case Redeploy():
            return Maintenance(app).redeploy(command)
        case Prune():
            return Maintenance(app).prune(command)


def status(app: Application) -> Answer:
    """Return where the traffic is, and which releases are under way."""
    return answers.status(app.name, app.state(), app.deployer.now())
