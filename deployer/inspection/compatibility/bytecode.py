"""Pure: bytecode without its source: the Python it was compiled by must be the function's."""

from collections import defaultdict

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate

MAGIC = {
    (3, 9): 3425,
    (3, 10): 3439,
    (3, 11): 3495,
    (3, 12): 3531,
    (3, 13): 3571,
    (3, 14): 3627,
    (3, 15): 3666,
}
"""Number in the first two bytes of bytecode, by Python version: CPython's pycore_magic_number.h."""


def foreign(candidate: Candidate, path: str) -> str | None:
    """Return the description of a file's bytecode if the function's Python cannot load it."""
    head = (candidate.text(path) or b"")[:4]
    magic = MAGIC.get(candidate.machine.python or (0, 0))
    if not head or magic is None or head == magic.to_bytes(2, "little") + b"\r\n":
        return None
    versions = [".".join(map(str, version)) for version, m in MAGIC.items() if head[:2] == m.to_bytes(2, "little")]
    return f"bytecode of Python {versions[0]}" if versions else "bytecode of an unknown Python"


def check(candidate: Candidate) -> None:
    """Warn of modules that can never be imported; the same fault below one directory is reported once."""
    faults: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in candidate.kept(".pyc"):
        stem = path.removesuffix(".pyc")
        taken = any(candidate.file(stem + suffix) for suffix in (*candidate.machine.extension_suffixes, ".py"))
        found = None if taken else foreign(candidate, path)
        if found:
            faults[path.partition("/")[0], found].append(path)
    for (_, found), paths in faults.items():
        more = f", like {len(paths) - 1} more below {shown(paths[0].partition('/')[0])}" if len(paths) > 1 else ""
        candidate.warn(
            f"{shown(paths[0])} is {found} without its source{more}: {candidate.machine.runtime} cannot import it;"
            " compile it again, or pack the source"
        )
