"""One application run natively and dropped, with what Lambda gives a process: variables, libraries and a wrapper.

`{root}` in a variable is the task root of the process that Lambda starts: /var/task on Lambda, natively and dropped.
"""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import pythons, toolchains
from tests.applications import call, dropped, native, package, release
from tests.local.environments import Environment
from tests.object_store import ObjectStore

LIBRARIES = "/var/lang/lib:/var/runtime/lib:{root}:{root}/lib:/opt/lib"
"""LD_LIBRARY_PATH on Lambda, as far as it matters here."""
LIBRARY = "libanswer.so.1"
VARIABLES = {
    "CACHE": "{root}/cache",
    "EXACTLY": "{root}",
    "FOLDER": "{root}/",
    "SEARCHED": "/opt/x:{root}/a:{root}/b",
    "OPTIONS": "--cache={root}/cache --other='{root}/x' -I{root}/include,{root}",
    "URL": "file://{root}/a.db?mode=ro",
    "DATABASE": "sqlite:///{root}/a.db",
    "JSON": '{"model": "{root}/model.bin"}',
    "PYTHONPATH": "{root}/vendor:/opt/python",
    "PATH": "/usr/bin:/bin:{root}/bin",
    "PWD": "{root}",
    "NOTHING": "",
    "ORIG_HANDLER": "other.handler",
}


class Run(NamedTuple):
    """The way to run an application: native and dropped."""

    variables: Mapping[str, str] = {}
    wrapper: Sequence[str] = ()
    handler: str = "app.handler"
    runtime: str = f"python{pythons.VERSION}"

    def variables_at(self, root: Path) -> dict[str, str]:
        """Return the function's variables for a task root."""
        given = {"AWS_EXECUTION_ENV": f"AWS_Lambda_{self.runtime}", **self.variables}
        return {name: value.replace("{root}", str(root)) for name, value in given.items()}

    def command(self, place: Path) -> tuple[str, ...]:
        """Return the wrapper with the runtime as its arguments."""
        python = str(pythons.runtime()), str(place / "runtime" / "bootstrap.py")
        return (*self.wrapper, *(python if "python" in self.runtime else toolchains.node_runtime(self.runtime)))


def _answers(environment: Environment) -> list[Any]:
    return [(one.kind, json.loads(one.payload or b"null")) for one in call(environment, {"n": 1}, {"n": 2}).outcomes]


class Both:
    """An application in `tree`, and the two ways to run it."""

    def __init__(self, place: Path, store: ObjectStore) -> None:
        self.tree = place / "tree"
        self._place, self._store = place, store

    def natively(self, run: Run) -> list[Any]:
        """Return how init and two calls end natively."""
        with native(self.tree, self._place, run.variables_at(self.tree), run.command(self._place), run.handler) as one:
            return _answers(one)

    def dropped(self, run: Run) -> list[Any]:
        """Return how they end dropped, with the release's directory called as the native one."""
        kind = "python" if "python" in run.runtime else "nodejs"
        pointer = release(self.tree, kind=kind, handler=run.handler).stored(self._store)
        variables, command = run.variables_at(package(run.runtime)), run.command(self._place)
        with dropped(pointer, self._store, self._place, variables, command) as environment:
            text = json.dumps(_answers(environment))
            for root in self._place.glob(f"*/tmp/dropshift/{pointer.sha256[:32]}"):
                text = text.replace(str(root), str(self.tree))
        return [tuple(one) for one in json.loads(text)]

    def answers(self, run: Run) -> list[Any]:
        """Run it both ways; return the answers to two calls, which are the same."""
        natively = self.natively(run)
        assert [kind for kind, _ in natively] == ["ready", "response", "response"], natively
        assert self.dropped(run) == natively
        return [answer for _, answer in natively[1:]]


@pytest.fixture
def both(tmp_path: Path, store: ObjectStore) -> Both:
    """Return the two ways to run what a test writes into `tree`."""
    return Both(tmp_path, store)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a shared library whose one function answers 42."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "answer.c").write_text("int answer(void) { return 42; }\n")
    subprocess.run([*toolchains.cc(), "-shared", "-fPIC", "-o", LIBRARY, "answer.c"], cwd=folder, check=True)
    return (folder / LIBRARY).read_bytes()


type Form = Callable[[Path, bytes], None]


def _file(path: str) -> Form:
    return lambda tree, content: put(tree / path, content)


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _link(path: str, target: str, file: str) -> Form:
    """Make a link at `path`, to a library that lies at `file`."""

    def make(tree: Path, content: bytes) -> None:
        put(tree / file, content)
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).symlink_to(target)

    return make


def _two_links(tree: Path, content: bytes) -> None:
    _link(f"vendor/{LIBRARY}", "real.so.1.0", "vendor/real.so.1.0")(tree, content)
    (tree / "lib").symlink_to("vendor")


FORMS: dict[str, Form] = {
    "a file in lib": _file(f"lib/{LIBRARY}"),
    "a file at the root": _file(LIBRARY),
    "a link beside the file in lib": _link(f"lib/{LIBRARY}", "libanswer.so.1.0", "lib/libanswer.so.1.0"),
    "a link beside the file at the root": _link(LIBRARY, "libanswer.so.1.0", "libanswer.so.1.0"),
    "links only, in lib": _link(f"lib/{LIBRARY}", "../vendor/native/answer.bin", "vendor/native/answer.bin"),
    "links only, at the root": _link(LIBRARY, "vendor/native/answer.bin", "vendor/native/answer.bin"),
    "lib is a link": _link("lib", "vendor/native", f"vendor/native/{LIBRARY}"),
    "lib is a link, the library is one, too": _two_links,
    "below glibc-hwcaps": _file(f"lib/glibc-hwcaps/x86-64-v2/{LIBRARY}"),
}
