"""Pure: what a Lambda runtime offers. Source: AWS Lambda developer guide, "Lambda runtimes"."""

import re
from typing import Self

from deployer.model.function import FunctionConfiguration
from deployer.model.value import Value

_PYTHON = re.compile(r"python(\d+)\.(\d+)")
_NODE = re.compile(r"nodejs(\d+)\.x")
_AMAZON_LINUX_2 = re.compile(
    r"python3\.([89]|1[01])|nodejs1[0-8]\.x|provided\.al2|provided|java(8\.al2|11|17)|ruby3\.2"
)
AMAZON_LINUX_2023_GLIBC = (2, 34)
AMAZON_LINUX_2_GLIBC = (2, 26)
_MANYLINUX_2_28 = (2, 28)


class Machine(Value):
    """What native code and sources can count on."""

    runtime: str
    architecture: str
    """x86_64 or arm64."""
    glibc: tuple[int, int]
    python: tuple[int, int] | None = None
    node: int | None = None

    @classmethod
    def of(cls, function: FunctionConfiguration) -> Self:
        """Return the machine a function runs on."""
        python, node = _PYTHON.fullmatch(function.runtime), _NODE.fullmatch(function.runtime)
        old = _AMAZON_LINUX_2.fullmatch(function.runtime)
        return cls(
            runtime=function.runtime,
            architecture=function.architecture,
            glibc=AMAZON_LINUX_2_GLIBC if old else AMAZON_LINUX_2023_GLIBC,
            python=(int(python[1]), int(python[2])) if python else None,
            node=int(node[1]) if node else None,
        )

    @property
    def wheel_architecture(self) -> str:
        """The architecture's name in wheel tags and file names."""
        return "aarch64" if self.architecture == "arm64" else "x86_64"

    def install(self) -> str:
        """Return the command that brings wheels which fit."""
        version = ".".join(map(str, self.python or (3, 13)))
        names = ("manylinux2014", "manylinux_2_28") if self.glibc >= _MANYLINUX_2_28 else ("manylinux2014",)
        platforms = " ".join(f"--platform {name}_{self.wheel_architecture}" for name in names)
        return f"pip install --only-binary=:all: {platforms} --python-version {version} --target DIRECTORY …"
