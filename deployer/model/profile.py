"""Pure: the access profile that one start of an application left."""

from typing import Annotated

from pydantic import Field

from deployer.model.value import Value

LARGEST = 8 * 2**20
"""Bytes of a profile as JSON: 50,000 paths of 160 characters. It comes from the application, so it is bounded."""
PATHS = 50_000
"""Entries that an archive has at most."""


class Profile(Value):
    """The files that one real start touched, recorded at a smoke test; empty before the first one."""

    touched: Annotated[tuple[str, ...], Field(max_length=PATHS)] = ()
    """Paths in the order of first access."""
    milliseconds: Annotated[tuple[int, ...], Field(max_length=PATHS)] = ()
    """Time of the first read of each of `touched`, counted from the first of them; empty if times were not recorded."""
    untouched: Annotated[tuple[str, ...], Field(max_length=PATHS)] = ()
    """Paths that existed and were not needed; only these may arrive after the import has begun."""
