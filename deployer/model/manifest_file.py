"""Pure: `dropshift.toml` in, a manifest out, or all its problems at once."""

import difflib
import json
from collections.abc import Iterator
from itertools import islice
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deployer.model.manifest import NAME, Manifest
from deployer.model.problem import LISTED, Problem, listed
from deployer.model.text import shortened
from deployer.model.toml import LARGEST, SHORTEN, load
from deployer.model.validation import allowed

_SECRETIVE = "smoke"
"""The table whose values are for the application alone: no record or log repeats them."""
_NAME = 80
"""Characters of an unknown field's name that are compared with the known ones."""


def parse(text: bytes | None) -> Manifest | tuple[Problem, ...]:
    """Return the manifest, or all its problems.

    `text` is the file's bytes, None when the archive has none.
    """
    document = load(text or b"", NAME)
    if isinstance(document, Problem):
        return (document,)
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError as error:
        return listed(tuple(islice(_problems(error), LISTED)), max(0, error.error_count() - LISTED))
    too_large = _too_large(manifest)
    return (too_large,) if too_large else manifest


def _too_large(manifest: Manifest) -> Problem | None:
    """Return the problem of a manifest that is too large for the state of a rollout, which keeps it as JSON."""
    tables = manifest.model_dump(mode="json", by_alias=True)
    sizes = {name: len(json.dumps(table)) for name, table in tables.items()}
    if sum(sizes.values()) <= LARGEST:
        return None
    name = max(sizes, key=lambda name: sizes[name])
    return _problem(f"{sizes[name]} bytes as JSON", f"at most {LARGEST} in all tables together", SHORTEN, name)


def _problem(found: str, allowed: str, remedy: str, field: str = "") -> Problem:
    return Problem.of(f"{NAME}: {field}" if field else NAME, found, allowed, remedy)


def _problems(error: ValidationError) -> Iterator[Problem]:
    for detail in error.errors(include_url=False):
        path = [str(part) for part in detail["loc"]]
        if detail["type"] == "extra_forbidden":
            yield _unknown(path)
        else:
            yield _problem(_found(detail), allowed(detail), "correct it and drop again", ".".join(path))


def _found(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "nothing"
    if detail["loc"][:1] == (_SECRETIVE,):
        return "a value that is not repeated here, because it may be secret"
    return "these fields together" if isinstance(detail["input"], dict) else shortened(repr(detail["input"]))


def _unknown(path: list[str]) -> Problem:
    known = _fields(Manifest, path[:-1])
    near = difflib.get_close_matches(path[-1][:_NAME], known, n=1)
    remedy = f'did you mean "{near[0]}"?' if near else "remove this field"
    return _problem("an unknown field", ", ".join(known), remedy, ".".join(path))


def _fields(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the names that are allowed at a path of the manifest; list indices are skipped."""
    for name in path:
        if not name.isdigit():
            model = _table(model, name)
    return [field.alias or name for name, field in model.model_fields.items()]


def _table(model: type[BaseModel], name: str) -> type[BaseModel]:
    field = next(value for key, value in model.model_fields.items() if (value.alias or key) == name)
    inside = [field.annotation, *get_args(field.annotation)]
    return next(kind for kind in inside if isinstance(kind, type) and issubclass(kind, BaseModel))
