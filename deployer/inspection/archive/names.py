"""Pure: the names and link targets that an archive may have.

A name is accepted only if every tool puts it in the same place. It is UTF-8 (APPNOTE 6.3.10 appendix D; POSIX pax
"path") and relative. It has no '..', and no character that a shell, a log or Windows would read as something else.
"""

import re

from deployer.inspection.archive.findings import Findings, shown

COMPONENT = 255
"""Bytes in one component: NAME_MAX of Linux file systems."""
PATH = 3_500
"""Bytes in a path: PATH_MAX is 4,096, which leaves room for the directory it is unpacked into."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PYTHON_OF_AN_ENVIRONMENT = re.compile(r"(?:(.+)/)?bin/python[0-9.]*")
_DRIVE = re.compile(r"[A-Za-z]:")
_BACKSLASH = "a backslash in its name"
_REPACK = "pack with a tool that writes '/', as PowerShell 7 does and older Compress-Archive does not"
_RENAME = "rename it in the tree that is packed"


def decode(raw: bytes, findings: Findings) -> str | None:
    """Return a name's text, or add a problem and return None."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        findings.add(shown(raw), "a name that is not UTF-8", "UTF-8 names", _RENAME)
        return None


def clean(raw: bytes, findings: Findings) -> str | None:
    """Return the path of an entry's name, "" for the root itself; add a problem for every rule that it breaks.

    A leading './' is dropped. The caller has removed a trailing '/', whose meaning depends on the format.
    """
    text = decode(raw, findings)
    if text is None:
        return None
    path = "" if text == "." else text.removeprefix("./")
    faults = tuple(_faults(path)) if path else ()
    for found, allowed in faults:
        findings.add(shown(raw), found, allowed, _REPACK if found == _BACKSLASH else _RENAME)
    return None if faults else path


def _faults(path: str) -> list[tuple[str, str]]:
    components = path.split("/")
    found = list(_text_faults(path, components))
    if path.startswith("/"):
        found.append(("an absolute path", "paths relative to the release's root"))
    elif "" in components or "." in components:
        found.append(("an empty or '.' component", "paths written in one way only"))
    if ".." in components:
        found.append(("a '..' component", "paths that stay inside the release"))
    return found


def _text_faults(path: str, components: list[str]) -> list[tuple[str, str]]:
    found = []
    if _CONTROL.search(path):
        found.append(("a control character in its name", "printable names"))
    if "\\" in path:
        found.append((_BACKSLASH, "'/' between components"))
    if _DRIVE.match(path):
        found.append(("a drive letter", "paths relative to the release's root"))
    if len(path.encode()) > PATH:
        found.append(("a path that is too long", f"at most {PATH} bytes"))
    if max(map(len, components)) * 4 > COMPONENT and any(len(c.encode()) > COMPONENT for c in components):
        found.append(("a component that is too long", f"at most {COMPONENT} bytes each"))
    return found


def link_target(path: str, raw: bytes, findings: Findings) -> str | None:
    """Return the target of the symbolic link at `path`, or add a problem of the target's text.

    Whether it stays inside the release depends on the other links; `tree_check.check` decides that.
    """
    text = decode(raw, findings)
    if text is None:
        return None
    found = [] if text else [("a symbolic link without a target", "a relative target")]
    found += _text_faults(text, text.split("/"))
    if text.startswith("/"):
        found.append(("a symbolic link to an absolute path", "relative targets inside the release"))
    environment = _PYTHON_OF_AN_ENVIRONMENT.fullmatch(path)
    remedy = "make the link relative, or pack what it points to"
    if environment:
        remedy = f"leave the virtual environment {shown(environment[1])} out, and pack what is in its site-packages"
    for fault, allowed in found:
        findings.add(shown(path), fault, allowed, remedy)
    return None if found else text
