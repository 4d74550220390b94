"""Pure: the check that entries do not conflict with each other, and that links stay inside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from deployer.inspection.archive.contents import Limits
from deployer.inspection.archive.findings import WHOLE, Findings, UnreadableError, shown
from deployer.model.entry import Entry

HOPS = 40
"""Links followed in one resolution: the kernel's own limit, path_resolution(7)."""
STEPS = 4_000_000
"""Components walked for all links of one archive, weighted by depth: a limit on time that no real tree reaches."""


def check(entries: Sequence[Entry], limits: Limits, findings: Findings) -> tuple[Entry, ...]:
    """Return the entries sorted by path, each once; add problems for duplicates, conflicts and links that leave."""
    ordered = sorted(entries, key=_order)
    if not findings and not any(entry.kind == "file" for entry in ordered):
        findings.add(WHOLE, "an archive without files", "at least one file", "pack the release's files")
    _check_directories(ordered, limits)
    for one, other in pairwise(ordered):
        _check_pair(one, other, findings)
    _check_below_leaves(ordered, findings)
    _check_links(ordered, findings)
    return tuple(sorted(_once(ordered), key=lambda entry: entry.path))


def _order(entry: Entry) -> tuple[str, bool]:
    """Return a sort key by which the entries below a path follow it directly: no allowed name has a NUL in it."""
    return entry.path.replace("/", "\0"), entry.kind != "directory"


def _once(ordered: Sequence[Entry]) -> Iterator[Entry]:
    last = None
    for entry in ordered:
        if entry.path != last:
            yield entry
        last = entry.path


def _check_pair(one: Entry, other: Entry, findings: Findings) -> None:
    """Check a path that occurs twice: only a directory may, because appending to a tar does that."""
    if one.path == other.path and not one.kind == other.kind == "directory":
        found = "the same path twice" if one.kind == other.kind else f"both a {one.kind} and a {other.kind}"
        findings.add(shown(one.path), found, "one entry for each path", "remove all but one")


def _check_below_leaves(ordered: Sequence[Entry], findings: Findings) -> None:
    """Check that no entry is below a file or a link, where unpacking would write through it or fail."""
    leaf = None
    for entry in ordered:
        if leaf and entry.path.startswith(leaf.path + "/"):
            findings.add(
                shown(entry.path), f"below the {leaf.kind} {shown(leaf.path)}", "directories as parents", "remove one"
            )
        elif entry.kind != "directory":
            leaf = entry


def _check_directories(ordered: Sequence[Entry], limits: Limits) -> None:
    """Limit the number of directories that paths imply; each counts those that the path before it lacks."""
    before: list[str] = []
    implied = 0
    for entry in ordered:
        parents = entry.path.split("/")[:-1]
        common = next((i for i, (a, b) in enumerate(zip(before, parents, strict=False)) if a != b), None)
        implied += len(parents) - (min(len(before), len(parents)) if common is None else common)
        before = parents if entry.kind != "directory" else [*parents, entry.path.rpartition("/")[2]]
    if implied > limits.entries:
        raise UnreadableError(
            WHOLE, f"{implied} directories implied by paths", f"at most {limits.entries}", "pack a flatter tree"
        )


def _check_links(ordered: Sequence[Entry], findings: Findings) -> None:
    links = links_of(ordered)
    budget = STEPS
    for path, target in links.items():
        led = follow(path.rpartition("/")[0], target, links, budget)
        budget -= led.steps
        if led.fault:
            findings.add(
                shown(path),
                f"a symbolic link to {shown(target)}, which {led.fault}",
                "links that resolve inside the release",
                "point it inside the release, or pack what it points to",
            )
        if budget <= 0:
            raise UnreadableError(
                WHOLE, "links that take too many steps to follow", "ordinary links", "pack files, not links"
            )


def links_of(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the targets of the symbolic links by their paths."""
    return {entry.path: entry.target or "" for entry in entries if entry.kind == "symlink"}


class Led(NamedTuple):
    """The place that a path leads to, or why it leads nowhere."""

    path: str
    fault: str | None
    steps: int


def follow(directory: str, path: str, links: Mapping[str, str], budget: int = STEPS) -> Led:
    """Follow a path from a directory and all links on its way, as the kernel would."""
    at = directory.split("/") if directory else []
    todo = path.split("/")[::-1]
    hops = steps = 0
    fault = None
    while todo and steps < budget and not fault:
        component = todo.pop()
        steps += 1 + len(at)
        if component == ".." and not at:
            fault = "leaves the release"
        elif component == "..":
            at.pop()
        elif component not in ("", "."):
            at.append(component)
            if target := links.get("/".join(at)):
                hops += 1
                fault = "leads in a circle" if hops > HOPS else None
                at.pop()
                todo.extend(target.split("/")[::-1])
    return Led("/".join(at), fault, steps)
