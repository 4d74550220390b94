"""Find the definition that a defect names, wherever in the product it stands now. Only reads."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PRODUCT = ("deployer", "bootstrap")


class StaleError(LookupError):
    """A defect's old text does not occur exactly once: the product has changed, and the catalogue must follow."""


@dataclass(frozen=True)
class Place:
    """A span of a file: a definition, or a whole file."""

    file: Path
    start: int
    end: int
    whole: bool


def find(root: Path, name: str) -> list[Place]:
    """Return the file of this path, or every definition whose dotted name ends so: `alias.Alias.promote`."""
    if (root / name).is_file():
        return [Place(root / name, 0, len((root / name).read_text()), whole=True)]
    return _definitions(root).get(name, [])


@cache
def _definitions(root: Path) -> dict[str, list[Place]]:
    """Return every definition under each ending of its dotted name."""
    places = defaultdict(list)
    for path in (path for folder in PRODUCT for path in sorted((root / folder).rglob("*.py"))):
        text = path.read_text()
        module = path.relative_to(root).with_suffix("").parts
        starts = [0]
        for line in text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        for names, node in _inside(module, ast.parse(text)):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            place = Place(path, starts[first - 1], starts[node.end_lineno or node.lineno], whole=False)
            for length in range(1, len(names) + 1):
                places[".".join(names[-length:])].append(place)
    return dict(places)


def _inside(names: tuple[str, ...], tree: ast.AST) -> Iterator[tuple[tuple[str, ...], ast.stmt]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield (*names, node.name), node
            yield from _inside((*names, node.name), node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (((*names, one.id), node) for one in targets if isinstance(one, ast.Name))
