"""Pure: the problems found so far, and the one way to stop reading."""

from deployer.model.problem import Problem, listed

WHOLE = "archive"
REPACK = "pack the release again with an ordinary tool (zip, tar, shutil.make_archive) and drop it again"
SHOWN = 160


class UnreadableError(Exception):
    """Bytes behind this point cannot be read reliably. `read` catches it and returns the problems."""

    def __init__(self, where: str, found: str, allowed: str, remedy: str = REPACK) -> None:
        super().__init__(found)
        self.problem = Problem.of(where, found, allowed, remedy)


class Findings:
    """Every problem of one archive, in the order found; above a limit they are only counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._problems: list[Problem] = []
        self._more = 0

    def __len__(self) -> int:
        return len(self._problems) + self._more

    def add(self, where: str, found: str, allowed: str, remedy: str = REPACK) -> None:
        """Add one problem, once."""
        self.append(Problem.of(where, found, allowed, remedy))

    def append(self, problem: Problem) -> None:
        """Add one problem, once."""
        if len(self._problems) >= self._limit:
            self._more += 1
        elif problem not in self._problems:
            self._problems.append(problem)

    def all(self) -> tuple[Problem, ...]:
        """Return the problems; the last one counts those that are not listed."""
        return listed(self._problems, self._more)


def shown(raw: bytes | str) -> str:
    """Return a name as a terminal and a log may show it: control and broken bytes escaped, cut if long."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace")
    if len(text) <= SHOWN and text.isprintable():
        return text
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 20]}…({len(text)} characters)"
