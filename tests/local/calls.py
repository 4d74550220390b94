"""Every call the local AWS received: what was asked, by whom, and the status it got."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

FILE = "calls.jsonl"


@dataclass(frozen=True)
class Call:
    """One call; `caller` is the function (or, with IAM enforced, the session) it came from, "" for anybody else."""

    time: float
    service: str
    action: str
    parameters: dict[str, Any]
    caller: str
    status: int
    resource: str = ""
    """The ARN that IAM is asked about; empty where the emulator knows none."""


_calls = TypeAdapter(Call)


def read(directory: Path) -> Iterator[Call]:
    """Yield the calls recorded so far, in order of their ends."""
    path = directory / FILE
    for line in path.read_text().splitlines() if path.exists() else ():
        yield _calls.validate_json(line)


def append(directory: Path, call: Call) -> None:
    """Record `call`: one line, one write."""
    with (directory / FILE).open("ab") as file:
        file.write(_calls.dump_json(call) + b"\n")
