"""Pure: the Lambda runtimes that a release can run in. Source: AWS Lambda developer guide, "Lambda runtimes"."""

import difflib
import re
from functools import cached_property
from typing import Self

from packaging.tags import Tag, compatible_tags, cpython_tags

from deployer.model.function import Architecture, FunctionConfiguration
from deployer.model.value import Value

SUPPORTED_PYTHONS = ((3, 12), (3, 13), (3, 14))
"""The versions that the bootstrap is packaged for and bytecode is compiled for."""
OLDEST_NODE = 22
"""The first Node.js on Lambda whose standard library has zstd."""
GLIBC = (2, 34)
"""Amazon Linux 2023, on which all supported runtimes are built."""
_OLD_MANYLINUX = ("manylinux2014", "manylinux2010", "manylinux1")
"""Old names of manylinux tags for glibc 2.17, 2.12 and 2.5; PEP 600 has the new ones."""
_ABI3_WITH_PLATFORM = (3, 14)
"""The first Python that also loads `.abi3-PLATFORM.so`: CPython's dynload_shlib.c."""
_PYTHON = re.compile(r"python(\d+)\.(\d+)")
_NODE = re.compile(r"nodejs(\d+)\.x")
_REASONS = {
    "": "a container image, which brings its own runtime",
    "custom": "a custom runtime, whose interpreter is unknown",
    "python3.10": "python3.10, which AWS deprecated in October 2026",
    "python3.11": "python3.11, which is built on Amazon Linux 2: its C library lacks functions that the bootstrap uses",
}


class Machine(Value):
    """The machine that native code and sources of a release run on."""

    runtime: str
    architecture: Architecture
    python: tuple[int, int] | None = None
    node: int | None = None

    @classmethod
    def of(cls, function: FunctionConfiguration) -> Self:
        """Return the machine a function runs on."""
        python, node = _PYTHON.fullmatch(function.runtime), _NODE.fullmatch(function.runtime)
        return cls(
            runtime=function.runtime,
            architecture=function.architecture,
            python=(int(python[1]), int(python[2])) if python else None,
            node=int(node[1]) if node else None,
        )

    @property
    def supported(self) -> bool:
        """Return whether the bootstrap runs on this runtime."""
        return self.python in SUPPORTED_PYTHONS or (self.node or 0) >= OLDEST_NODE

    @property
    def why_not(self) -> str:
        """Return why no release can run in an unsupported runtime."""
        if self.runtime in _REASONS:
            return _REASONS[self.runtime]
        if self.node:
            return f"{self.runtime}, whose standard library has no zstd"
        if self.python:
            return f"{self.runtime}, for which the bootstrap is not packaged"
        return f"{self.runtime}, which has no Python or Node.js that the bootstrap could use"

    @property
    def near(self) -> str | None:
        """The supported runtime with the most similar name, if this is not a name of AWS's."""
        known = self.runtime in _REASONS or self.python or self.node
        names = [] if known else difflib.get_close_matches(self.runtime, _names(), n=1, cutoff=0.5)
        return names[0] if names else None

    @property
    def wheel_architecture(self) -> str:
        """The architecture's name in wheel tags and file names."""
        return "aarch64" if self.architecture == "arm64" else "x86_64"

    @property
    def extension_suffixes(self) -> tuple[str, ...]:
        """Endings of extension modules' file names, in the order of Python's finder."""
        platform = f"{self.wheel_architecture}-linux-gnu"
        version = "".join(map(str, self.python or ()))
        stable = (f".abi3-{platform}.so",) if (self.python or ()) >= _ABI3_WITH_PLATFORM else ()
        return (f".cpython-{version}-{platform}.so", *stable, ".abi3.so", ".so")

    @cached_property
    def wheel_tags(self) -> frozenset[Tag]:
        """The tags of wheels that this machine can import."""
        if self.python is None:
            return frozenset()
        name = f"cp{self.python[0]}{self.python[1]}"
        platforms = _platforms(self.wheel_architecture)
        exact = cpython_tags(self.python, [name], platforms)
        return frozenset({*exact, *compatible_tags(self.python, name, platforms)})

    def install(self) -> str:
        """Return the command that brings wheels which fit."""
        version = ".".join(map(str, self.python or SUPPORTED_PYTHONS[-1]))
        platforms = " ".join(
            f"--platform {name}_{self.wheel_architecture}" for name in ("manylinux2014", "manylinux_2_28")
        )
        return f"pip install --only-binary=:all: {platforms} --python-version {version} --target DIRECTORY …"


def runtimes() -> str:
    """Return the supported runtimes as text for people."""
    return f"{', '.join(_names())} or later"


def _names() -> list[str]:
    return [*(f"python{major}.{minor}" for major, minor in reversed(SUPPORTED_PYTHONS)), f"nodejs{OLDEST_NODE}.x"]


def _platforms(architecture: str) -> list[str]:
    """Return the platform tags that glibc serves: PEP 600's, and `linux_…` of wheels that pip built itself."""
    names = [f"manylinux_{GLIBC[0]}_{minor}" for minor in range(GLIBC[1], 4, -1)]
    return [f"{name}_{architecture}" for name in (*names, *_OLD_MANYLINUX, "linux")]
