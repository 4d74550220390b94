"""Pure: installed distributions: their wheels fit the function, and their files are in the archive, not only a link.

Sources: PEP 425 (tags), 427 (wheels), 600 and 656 (platforms), 610 (direct_url.json); Python's `site` on .pth files.
The usual misfit is a wheel that pip chose for a laptop; its tags show it before any of its files is read.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from packaging.tags import InvalidTag, Tag, TooManyTagsError, parse_tag

from deployer.inspection.archive.findings import shown
from deployer.inspection.compatibility.candidate import Candidate

NOT_EDITABLE = "install it without -e (pip install ., uv sync --no-editable), or pack its source"
_TAG = re.compile(rb"^Tag:[ \t]*(\S+)\s*$", re.MULTILINE)
_LONGEST = 64 * 2**10
"""Bytes of the largest WHEEL file that is read."""
_TAGS = 100
"""The most tags that are read. A line with n alternatives in each of its three places stands for n * n * n tags."""
_ON_LAMBDA = ("/opt/", "/mnt/", "/var/")
"""Directories of layers, mounted file systems and the function itself."""
_ABSOLUTE = re.compile(rb"^(/[^\n\r]+|[A-Za-z]:[\\/][^\n\r]+)", re.MULTILINE)


class Elsewhere(NamedTuple):
    """A file that stands for a distribution elsewhere: an editable install."""

    path: str
    name: str
    place: str
    """Directory of the distribution's files on the machine that installed it."""


def check(candidate: Candidate) -> None:
    """Refuse distributions that were installed for another machine, and warn of those that are not in the archive."""
    for path in candidate.kept(".dist-info/WHEEL"):
        _check_wheel(candidate, path)
    for path, name, place in editable(candidate):
        candidate.warn(
            f"{shown(path)}: only a pointer to {shown(name)} in {shown(place)} is packed, because its install is"
            f" editable: {NOT_EDITABLE}"
        )
    for environment in candidate.environments:
        candidate.warn(f"{shown(environment)} is a virtual environment, and nothing is imported from it: leave it out")


def editable(candidate: Candidate) -> list[Elsewhere]:
    """Return the distributions that the archive only points at."""
    found = [_direct_url(path, candidate.text(path) or b"") for path in candidate.kept("/direct_url.json")]
    missing = [one for one in found if one and not _packed(candidate, one)]
    return missing or [*_paths_elsewhere(candidate)]


def _direct_url(path: str, text: bytes) -> Elsewhere | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match found:
        case {"url": str(url), "dir_info": {"editable": True}}:
            name = path.split("/")[-2].removesuffix(".dist-info").rpartition("-")[0]
            return Elsewhere(path, name, url)
        case _:
            return None


def _packed(candidate: Candidate, found: Elsewhere) -> bool:
    """Return whether a module with the distribution's name is beside its description."""
    place = "/".join([*found.path.split("/")[:-2], found.name.replace("-", "_")])
    return any(candidate.file(place + ending) for ending in (".py", "/__init__.py"))


def _paths_elsewhere(candidate: Candidate) -> Iterator[Elsewhere]:
    for path in candidate.kept(".pth"):
        places = [line.decode("utf-8", "replace") for line in _ABSOLUTE.findall(candidate.text(path) or b"")]
        yield from (Elsewhere(path, "modules", place) for place in places[:1] if not place.startswith(_ON_LAMBDA))


def _check_wheel(candidate: Candidate, path: str) -> None:
    try:
        tags = _tags(candidate.text(path) or b"")
    except TooManyTagsError:
        candidate.warn(f"{shown(path)} has more than {_LONGEST} bytes or {_TAGS} tags: the wheel was not checked")
        return
    if tags and candidate.machine.wheel_tags.isdisjoint(tags):
        name = path.split("/")[-2].removesuffix(".dist-info")
        candidate.refuse(
            path,
            f"{shown(name)} was installed for {_in_words(tags[0])}",
            f"{candidate.machine.runtime} on {candidate.machine.architecture}",
            candidate.machine.install().replace("…", shown(name.rpartition("-")[0])),
        )


def _tags(wheel: bytes) -> list[Tag]:
    """Return the well-formed tags of a WHEEL file; raise if it has too many."""
    if len(wheel) > _LONGEST:
        raise TooManyTagsError
    found: list[Tag] = []
    for line in _TAG.findall(wheel):
        try:
            found += sorted(parse_tag(line.decode("ascii", "replace"), limit=_TAGS - len(found)), key=str)
        except InvalidTag:
            continue
    return found


def _in_words(tag: Tag) -> str:
    """Return a tag in plain words."""
    for word, name in (("musllinux", "musl (Alpine)"), ("macosx", "macOS"), ("win", "Windows")):
        if tag.platform.startswith(word):
            return f"{name}: {shown(str(tag))}"
    return f"{shown(tag.interpreter)} on {shown(tag.platform)}: {shown(str(tag))}"
