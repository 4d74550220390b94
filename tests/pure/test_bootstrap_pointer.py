"""A pointer survives its way through the environment, and the error of a damaged one names the damage."""

import json
from typing import Any

import pytest

from bootstrap.pointer import Pointer, PointerError
from tests.pure.values import POINTER

COMMAND = POINTER._replace(offset=1 << 33, kind="command", handler=None, command=("./app", "-x"))


def test_a_pointer_survives_the_environment_and_stays_small() -> None:
    assert Pointer.parse(COMMAND.encode()) == COMMAND
    assert len(COMMAND.encode().encode()) < 1024


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "ruby"}, "kind is 'ruby', not one of python, nodejs, executable, command"),
        ({"kind": "python"}, "kind python needs a handler"),
        ({"command": []}, "kind command needs a command"),
        ({"command": "./app"}, "command is not a list of strings"),
        ({"sha256": "0" * 63}, "sha256 is not 64 lower-case hex digits"),
        ({"offset": -1}, "offset is not a number of bytes: -1"),
        ({"size": True}, "size is not a number of bytes: True"),
        ({"version": None}, "version is not a string: None"),
        ({"colour": "red"}, "missing or unknown fields: colour"),
    ],
)
def test_a_damaged_pointer_says_what_is_wrong(change: dict[str, Any], complaint: str) -> None:
    text = json.dumps({**COMMAND._asdict(), **change})
    with pytest.raises(PointerError, match=complaint):
        Pointer.parse(text)


@pytest.mark.parametrize("text", ["", "{", "[]", "1"])
def test_what_is_no_json_object_is_no_pointer(text: str) -> None:
    with pytest.raises(PointerError, match=r"DROPSHIFT_POINTER is not"):
        Pointer.parse(text)
