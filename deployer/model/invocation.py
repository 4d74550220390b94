"""Pure: the result of one invocation of a version."""

from pydantic import JsonValue

from deployer.model.profile import Profile
from deployer.model.value import Value


class InvocationResult(Value):
    """The result of one invocation."""

    error: bool
    payload: JsonValue
    log: str = ""
    """The log's last 4 KB."""
    profile: Profile | None = None
    """The access profile of the start, if it was a cold start and the bootstrap recorded one."""
