"""Pure: exit statuses, and the one way by which a verb stops before its end."""

from collections.abc import Sequence
from enum import IntEnum

from deployer.model.problem import Problem
from deployer.model.status import Status


class Exit(IntEnum):
    """The exit statuses of a verb, for scripts."""

    LIVE = 0
    """The release is live; the command was done, or there was nothing to do."""
    REFUSED = 1
    """Refused, failed, rolled back or aborted."""
    SUPERSEDED = 2
    """A newer drop took the release's place, or others moved the alias."""
    UNKNOWN = 3
    """Could not tell: it has not ended in time, AWS did not answer, the command line was misspelt."""
    INTERRUPTED = 130
    """Ctrl-C; what happens in AWS goes on."""
    TERMINATED = 143
    """SIGTERM; as above."""


_OF = {
    Status.LIVE: Exit.LIVE,
    Status.DUPLICATE: Exit.LIVE,
    Status.SUPERSEDED: Exit.SUPERSEDED,
    Status.OVERTAKEN: Exit.SUPERSEDED,
    Status.REJECTED: Exit.REFUSED,
    Status.FAILED: Exit.REFUSED,
    Status.ROLLED_BACK: Exit.REFUSED,
    Status.ABORTED: Exit.REFUSED,
}


def of(status: str) -> Exit:
    """Return the exit status for how a release ended; UNKNOWN for one that has not, or a status of a newer deployer."""
    return next((found for known, found in _OF.items() if known == status), Exit.UNKNOWN)


class StopError(Exception):
    """A verb cannot go on; `problems` say why, and what to do about it."""

    def __init__(self, problems: Sequence[Problem], exit_status: Exit = Exit.UNKNOWN) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)
        self.exit_status = exit_status

    @property
    def passes(self) -> bool:
        """Return whether a retry may succeed: AWS did not answer, or was overloaded."""
        return self.exit_status is Exit.UNKNOWN and all(one.where in ("AWS", "connection") for one in self.problems)


def refusal(where: str, found: str, allowed: str, remedy: str) -> StopError:
    """Return a refusal for one reason: nothing was changed, and another try would be refused as well."""
    return StopError([Problem.of(where, found, allowed, remedy)], Exit.REFUSED)


def unknown(where: str, found: str, allowed: str, remedy: str) -> StopError:
    """Return that the verb could not find out what it was asked for."""
    return StopError([Problem.of(where, found, allowed, remedy)], Exit.UNKNOWN)
