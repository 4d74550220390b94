"""What the worlds of the tests have in common: Dropshift as people use it, in memory or on the local AWS.

Each world shows more of itself to its own tests. Here is one story that must go the same way in all of them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

AT_ONCE = '[rollout]\nstrategy = "all-at-once"\n'


class Deployment(Protocol):
    """An application under Dropshift."""

    def release(self, name: str, manifest: str = "") -> Mapping[str, Any]:
        """Drop a release and wait until it has ended; one whose name holds "broken" does not start."""

    def command(self, action: str, **fields: object) -> Mapping[str, Any]:
        """Invoke the controller by hand."""

    @property
    def shares(self) -> Mapping[str, int]:
        """Percent of the traffic by version."""


def story(deployment: Deployment) -> Iterator[str]:
    """Release one after the other, go back twice, and tell how each ended; traffic is never left split."""
    for name in ("story-1", "story-2-broken", "story-3"):
        yield str(deployment.release(name, AT_ONCE)["status"])
        assert list(deployment.shares.values()) == [100]
    for _ in range(2):
        yield str(deployment.command("rollback")["answer"]).partition(" (")[0].partition(":")[0]
        assert list(deployment.shares.values()) == [100]
    yield str(deployment.command("status")["traffic"][0]["release"])


TOLD = ["live", "failed", "live", "rolled back from story-3", "nothing to do", "story-1"]
