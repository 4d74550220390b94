"""The repair after a durable execution that died: its alias is made whole, and its release ends."""

from deployer.commands import answers
from deployer.commands.answers import Answer
from deployer.commands.application import Application
from deployer.commands.traffic import unprovision, warned
from deployer.decisions import precedence
from deployer.model.alias import Alias, Move
from deployer.model.record import Record
from deployer.model.status import Ending, Status


def close_dead_rollout(app: Application, record: Record, execution_status: str) -> Answer:
    """Make the alias whole after a rollout that died, and end its release.

    Source: AWS Lambda developer guide, durable functions: a failed execution is not retried and runs no
    compensation.
    """
    after = app.deployer.change_alias(app.name, lambda alias: _without(alias, record))
    reason = f"the rollout's execution ended {execution_status}"
    served = isinstance(after, Alias) and record.version and after.stable == record.version
    status = Status.LIVE if served else _undone(after, record) or Status.FAILED
    app.deployer.record_ending(record, Ending(status=status, reason=reason), reason)
    warnings = [] if served else unprovision(app, record)
    return {**answers.done(f"{record.release} ended {status}: {reason}"), **warned(warnings)}


def _without(alias: Alias, record: Record) -> Alias:
    """Return the alias without a release's share; an alias that others moved stays as it is."""
    mine = record.version and alias.canary == record.version and alias.managed
    return alias.remove_canary(record.release_id, Move.ROLL_BACK) if mine else alias


def _undone(alias: Alias | Ending, record: Record) -> Status | None:
    """Return what a person did to a release whose rollout died; None when nobody did anything.

    A: rollback moves the alias, and dies before it updates the record.  B: the rollout dies, too.  The alias's
    description still records the rollback.
    """
    state = alias.recorded if isinstance(alias, Alias) and alias.managed else None
    ending = (
        precedence.ending_from_state(state)
        if state and state.by_command and state.release == record.release_id
        else None
    )
    return ending.status if ending else None
