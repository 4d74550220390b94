"""Pure: the pointer, which pins one release in the environment of a published version."""

import json
from typing import Any, NamedTuple

VARIABLE = "DROPSHIFT_POINTER"
PROFILE_WANTED = "dropshift-profile"
"""Key below `custom` of the client context by which the deployer asks a first invocation for the access profile."""
KINDS = ("python", "nodejs", "executable", "command")


class PointerError(ValueError):
    """The pointer cannot be used; publish the release again, the deployer writes a new one."""


class Pointer(NamedTuple):
    """The bytes that a version runs: an object version, the position of its index, and the index's digest.

    `offset` and `size` (bytes) locate the compressed index inside the object; `sha256` (lower-case hex) is the digest
    of exactly these bytes. Every frame's digest is in the index, so this value pins the whole release.
    `unpacked` is the size of the files on disk, in bytes. `owner` is the 12-digit account that must own the bucket.
    `id` is the release id (32 hex digits).
    """

    bucket: str
    key: str
    version: str
    offset: int
    size: int
    sha256: str
    kind: str
    handler: str | None
    command: tuple[str, ...]
    release: str
    id: str
    owner: str
    unpacked: int

    def encode(self) -> str:
        """Return the compact JSON for the environment variable; well under 1 KB."""
        return json.dumps(self._asdict(), separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def parse(cls, text: str) -> "Pointer":
        """Read `encode`'s output; raise PointerError with one line about the problem."""
        try:
            given = json.loads(text)
        except ValueError as error:
            raise PointerError(f"{VARIABLE} is not JSON: {error}") from None
        if not isinstance(given, dict):
            raise PointerError(f"{VARIABLE} is not a JSON object")
        _check(given)
        return cls(**{**given, "command": tuple(given["command"])})


def _check(given: dict[str, Any]) -> None:
    names = set(Pointer._fields)
    if given.keys() != names:
        odd = ", ".join(sorted(names ^ given.keys()))
        raise PointerError(f"{VARIABLE} has missing or unknown fields: {odd}")
    for name in ("offset", "size", "unpacked"):
        if type(given[name]) is not int or given[name] < 0:
            raise PointerError(f"{VARIABLE}: {name} is not a number of bytes: {given[name]!r}")
    for name in names - {"offset", "size", "unpacked", "handler", "command"}:
        if not isinstance(given[name], str):
            raise PointerError(f"{VARIABLE}: {name} is not a string: {given[name]!r}")
    _check_what_runs(given)


def _check_what_runs(given: dict[str, Any]) -> None:
    if given["kind"] not in KINDS:
        raise PointerError(f"{VARIABLE}: kind is {given['kind']!r}, not one of {', '.join(KINDS)}")
    if len(given["sha256"]) != 64 or set(given["sha256"]) - set("0123456789abcdef"):  # noqa: PLR2004 - SHA-256 in hex
        raise PointerError(f"{VARIABLE}: sha256 is not 64 lower-case hex digits: {given['sha256']!r}")
    command = given["command"]
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise PointerError(f"{VARIABLE}: command is not a list of strings: {command!r}")
    has_handler = isinstance(given["handler"], str) and bool(given["handler"])
    if given["kind"] in ("python", "nodejs") and not has_handler:
        raise PointerError(f"{VARIABLE}: kind {given['kind']} needs a handler")
    if given["kind"] in ("executable", "command") and not command:
        raise PointerError(f"{VARIABLE}: kind {given['kind']} needs a command")
