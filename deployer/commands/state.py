"""Pure: the state of an application, as `status` shows it."""

from datetime import datetime

from deployer.model.alias import Alias
from deployer.model.overview import IgnoredDrop
from deployer.model.record import Record
from deployer.model.value import Value


class Serving(Value):
    """A version that has traffic, and which release it is."""

    version: str
    share: int
    """Percent."""
    release: str
    release_id: str | None = None
    dropped: datetime | None = None
    bundle: str
    """"present", "missing", or "none" for a version that was not made from a release."""


class Warm(Value):
    """Environments that are kept ready, and paid for with or without calls."""

    version: str
    """Its number, or an alias that has some of its own."""
    release: str
    environments: int
    status: str
    """READY, IN_PROGRESS or FAILED."""
    dollars_per_hour: float
    """An estimate: model/price.py."""


class NotLive(Value):
    """The drops of an application that have not gone live."""

    under_way: tuple[Record, ...] = ()
    """Newest first."""
    ended: Record | None = None
    """The newest drop, when it ended otherwise than live."""
    ignored: tuple[IgnoredDrop, ...] = ()
    """Drops that were ignored after the newest one."""


class Summary(NotLive):
    """One of many applications, read in a few calls."""

    application: str
    version: str
    """The stable version."""
    release: str | None = None
    """None before the first release."""
    dropped: datetime | None = None


class State(NotLive):
    """Everything that `status` shows of one application."""

    alias: Alias
    serving: tuple[Serving, ...]
    not_shown: int = 0
    """Releases that may be under way, too, and were not read."""
    rolled_back: Record | None = None
    """The release that a command rolled back last, until the alias moves again."""
    warm: tuple[Warm, ...] = ()
    previous: str | None = None
    """The release that a rollback goes to."""
