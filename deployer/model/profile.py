"""Pure: the access profile that one start of an application left."""

from typing import Annotated

from pydantic import Field

from deployer.model.value import Value

LARGEST = 16 * 2**20
"""Bytes of a profile as JSON: 100,000 paths of 160 characters. It comes from the application, so it is bounded."""
_SAME = 0.9
PATHS = 100_000
"""Entries that an archive has at most, each with a file of bytecode."""


class Profile(Value):
    """The files that one real start touched, recorded at a smoke test; empty before the first one."""

    touched: Annotated[tuple[str, ...], Field(max_length=PATHS)] = ()
    """Paths in the order of first access."""
    milliseconds: Annotated[tuple[int, ...], Field(max_length=PATHS)] = ()
    """Time of the first read of each of `touched`, counted from the first of them; empty if times were not recorded."""
    untouched: Annotated[tuple[str, ...], Field(max_length=PATHS)] = ()
    """Paths that existed and were not needed; only these may arrive after the import has begun."""

    def following(self, before: "Profile") -> "Profile":
        """Return the profile to keep after an earlier one: the earlier one, with what this start touched besides.

        The order of files decides which frames a bundle can copy, and two starts never take the same milliseconds. A
        start that left out a tenth of what the earlier one touched is another one, and counts alone.
        """
        mine, there = set(self.touched), {*self.touched, *self.untouched}
        known = [path for path in before.touched if path in there]
        timed = all(len(one.milliseconds) == len(one.touched) for one in (self, before))
        if not known or not timed or len(mine.intersection(known)) < _SAME * len(before.touched):
            return self
        moments = dict(zip(self.touched, self.milliseconds, strict=True))
        moments |= {path: at for path, at in zip(before.touched, before.milliseconds, strict=True) if path in there}
        touched = sorted(moments, key=lambda path: moments[path])
        return Profile(
            touched=tuple(touched),
            milliseconds=tuple(moments[path] for path in touched),
            untouched=tuple(path for path in self.untouched if path not in moments),
        )
