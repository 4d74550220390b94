"""The repair after a dead durable execution: its alias is restored, and its release ends."""

from deployer.aws.executions import Execution
from deployer.commands.application import Application
from deployer.commands.traffic import unprovision
from deployer.decisions import precedence
from deployer.model.alias import Alias, Move
from deployer.model.drop import Drop
from deployer.model.record import Record
from deployer.model.status import Ending, Status


def close_rollout(app: Application, drop: Drop, execution: Execution) -> Record | None:
    """Restore the alias after an execution that is over, and end its release; None when that has ended.

    The alias comes first: if the record is missing or cannot be written, no version keeps a share unwatched.
    Source: AWS Lambda developer guide, durable functions: a failed execution is not retried and runs no
    compensation.
    """
    deployer, ending = app.deployer, execution.ending
    after = None if ending else deployer.change_alias(app.name, lambda alias: _without(alias, drop.release_id))
    record = app.record(drop.release_id) or Record.received(drop, deployer.now())
    if record.status.final:
        return None
    record = deployer.found_again(record)
    if ending:
        return deployer.record_ending(record, ending, "the record was lost; its ending is from the durable execution")
    reason = f"the rollout's execution ended {execution.status}"
    served = isinstance(after, Alias) and record.version and after.stable == record.version
    status = Status.LIVE if served else _undone(after, record) or Status.FAILED
    ended = deployer.record_ending(record, Ending(status=status, reason=reason), reason)
    if not served:
        unprovision(app, record)
    return ended


def _without(alias: Alias, release_id: str) -> Alias:
    """Return the alias without a release's share; an alias that others moved stays as it is."""
    mine = alias.canary and alias.managed and alias.recorded and alias.recorded.release == release_id
    return alias.remove_canary(release_id, Move.ROLL_BACK) if mine else alias


def _undone(alias: Alias | Ending | None, record: Record) -> Status | None:
    """Return the ending that a command gave a release whose rollout died; None when there was no command.

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
