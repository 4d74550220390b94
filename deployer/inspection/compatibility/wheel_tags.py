"""Pure: whether installed wheels fit, by the tags they were installed under. Source: PEP 425, 427, 600, 656.

What pip took on a laptop is what most often does not fit; the wheel says so before any file is looked at.
"""

import re

from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.compatibility.runtime import Machine

_TAG = re.compile(rb"^Tag:\s*(\S+)-(\S+)-(\S+)\s*$", re.MULTILINE)
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")
_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17), "linux": (0, 0)}
_PYTHON = re.compile(r"(?:py|cp)(\d)(\d*)")


def check(candidate: Candidate) -> None:
    """Refuse each installed distribution none of whose tags fits the function."""
    for path in candidate.probe.kept(".dist-info/WHEEL"):
        tags = _tags(candidate.text(path) or b"")
        if tags and not any(fits(candidate.machine, *tag) for tag in tags):
            name = path.rpartition("/")[0].rpartition("/")[2].removesuffix(".dist-info")
            candidate.refuse(
                path,
                f"{name} was installed for {_named(tags[0])}",
                f"{candidate.machine.runtime} on {candidate.machine.architecture}",
                candidate.machine.install().replace("…", name.rpartition("-")[0]),
            )


def _tags(wheel: bytes) -> list[tuple[str, str, str]]:
    """Return the tags of a WHEEL file, each set of alternatives spelt out."""
    found = [[part.decode("ascii", "replace").split(".") for part in match] for match in _TAG.findall(wheel)]
    return [(p, a, f) for python, abi, platform in found for p in python for a in abi for f in platform]


def fits(machine: Machine, python: str, abi: str, platform: str) -> bool:
    """Say whether a wheel with these tags can be imported."""
    return _python_fits(machine, python, abi) and _platform_fits(machine, platform)


def _python_fits(machine: Machine, python: str, abi: str) -> bool:
    match = _PYTHON.fullmatch(python)
    if match is None or machine.python is None or int(match[1]) != machine.python[0]:
        return False
    minor = int(match[2] or 0)
    if abi in ("none", "abi3") and (python.startswith("py") or abi == "abi3"):
        return minor <= machine.python[1]
    exact = f"cp{machine.python[0]}{machine.python[1]}"
    return python == exact and abi in (exact, "none")


def _platform_fits(machine: Machine, platform: str) -> bool:
    if platform == "any":
        return True
    match = _MANYLINUX.fullmatch(platform)
    if match:
        needs, architecture = (int(match[1]), int(match[2])), match[3]
    else:
        name, _, architecture = platform.partition("_")
        if name not in _LEGACY:
            return False
        needs = _LEGACY[name]
    return architecture == machine.wheel_architecture and needs <= machine.glibc


def _named(tag: tuple[str, str, str]) -> str:
    """Return a tag in words people know."""
    python, _, platform = tag
    for word, name in (("musllinux", "musl (Alpine)"), ("macosx", "macOS"), ("win", "Windows")):
        if platform.startswith(word):
            return f"{name}: {'-'.join(tag)}"
    return f"{python} on {platform}: {'-'.join(tag)}"
