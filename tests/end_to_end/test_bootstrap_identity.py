"""Variables, libraries, layers and wrappers mean the same natively and dropped.

`{root}` in a variable is the task root of the process that Lambda starts: /var/task on Lambda, natively and dropped.
"""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import pythons, toolchains
from tests.applications import call, dropped, native, package, release, write
from tests.local.environments import Environment
from tests.object_store import ObjectStore

LIBRARIES = "/var/lang/lib:/var/runtime/lib:{root}:{root}/lib:/opt/lib"
"""LD_LIBRARY_PATH on Lambda, as far as it matters here."""
LIBRARY = "libanswer.so.1"


class Run(NamedTuple):
    """The way to run an application: native and dropped."""

    variables: Mapping[str, str] = {}
    wrapper: Sequence[str] = ()
    handler: str = "app.handler"

    def variables_at(self, root: Path) -> dict[str, str]:
        """The function's variables for a task root."""
        given = {"AWS_EXECUTION_ENV": f"AWS_Lambda_python{pythons.VERSION}", **self.variables}
        return {name: value.replace("{root}", str(root)) for name, value in given.items()}

    def command(self, place: Path) -> tuple[str, ...]:
        """The wrapper with Python's own runtime as its arguments."""
        return (*self.wrapper, str(pythons.runtime()), str(place / "runtime" / "bootstrap.py"))


def _answers(environment: Environment) -> list[Any]:
    return [(one.kind, json.loads(one.payload or b"null")) for one in call(environment, {"n": 1}, {"n": 2}).outcomes]


def _natively(tree: Path, place: Path, run: Run) -> list[Any]:
    with native(tree, place, run.variables_at(tree), run.command(place), run.handler) as environment:
        return _answers(environment)


def _dropped(tree: Path, place: Path, store: ObjectStore, run: Run) -> list[Any]:
    pointer = release(tree, handler=run.handler).stored(store)
    with dropped(pointer, store, place, run.variables_at(package()), run.command(place)) as environment:
        text = json.dumps(_answers(environment))
        for root in place.glob(f"*/tmp/dropshift/{pointer.sha256[:32]}"):
            text = text.replace(str(root), str(tree))
    return [tuple(one) for one in json.loads(text)]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shared library whose one function answers 42."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "answer.c").write_text("int answer(void) { return 42; }\n")
    subprocess.run([*toolchains.cc(), "-shared", "-fPIC", "-o", LIBRARY, "answer.c"], cwd=folder, check=True)
    return folder / LIBRARY


type Form = Callable[[Path, bytes], None]


def _file(path: str) -> Form:
    return lambda tree, content: _put(tree / path, content)


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _link(path: str, target: str, file: str) -> Form:
    """A link at `path`, to a library that lies at `file`."""

    def make(tree: Path, content: bytes) -> None:
        _put(tree / file, content)
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
IN_PYTHON = """\
import ctypes
VALUE = ctypes.CDLL("libanswer.so.1").answer()

def handler(event, context):
    return VALUE
"""


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_shared_library_is_found_in_every_form(tmp_path: Path, store: ObjectStore, library: Path, form: Form) -> None:
    form(write(tmp_path / "tree", {"app.py": IN_PYTHON}), library.read_bytes())
    run = Run({"LD_LIBRARY_PATH": LIBRARIES})
    natively = _natively(tmp_path / "tree", tmp_path, run)
    assert natively == [("ready", None), ("response", 42), ("response", 42)]
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == natively


def test_a_library_whose_name_does_not_begin_with_lib_is_found(
    tmp_path: Path, store: ObjectStore, library: Path
) -> None:
    app = IN_PYTHON.replace("libanswer.so.1", "answer.so")
    _put(write(tmp_path / "tree", {"app.py": app}) / "lib" / "answer.so", library.read_bytes())
    run = Run({"LD_LIBRARY_PATH": LIBRARIES})
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == _natively(tmp_path / "tree", tmp_path, run)


@pytest.mark.parametrize(
    "variables", [{"LD_LIBRARY_PATH": "/opt/lib:{root}/vendor"}, {"LD_PRELOAD": "{root}/vendor/libanswer.so.1"}]
)
def test_a_library_is_found_where_the_functions_own_variables_say(
    tmp_path: Path, store: ObjectStore, library: Path, variables: dict[str, str]
) -> None:
    app = IN_PYTHON if "LD_LIBRARY_PATH" in variables else IN_PYTHON.replace('"libanswer.so.1"', "None")
    _put(write(tmp_path / "tree", {"app.py": app}) / "vendor" / LIBRARY, library.read_bytes())
    natively = _natively(tmp_path / "tree", tmp_path, Run(variables))
    assert natively == [("ready", None), ("response", 42), ("response", 42)]
    assert _dropped(tmp_path / "tree", tmp_path, store, Run(variables)) == natively


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
SEEN = """\
import json, os, subprocess, sys
NAMES = {names}

def handler(event, context):
    child = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    inherited = json.loads(subprocess.run(child, check=True, capture_output=True).stdout)
    return [[name, os.environ.get(name), inherited.get(name)] for name in NAMES]
"""


def test_variables_that_name_a_place_below_the_task_root_mean_the_release(tmp_path: Path, store: ObjectStore) -> None:
    write(tmp_path / "tree", {"app.py": SEEN.format(names=sorted(VARIABLES))})
    natively = _natively(tmp_path / "tree", tmp_path, Run(VARIABLES))
    assert natively[1][0] == "response"
    assert json.dumps(_dropped(tmp_path / "tree", tmp_path, store, Run(VARIABLES))) == json.dumps(natively)


def test_variables_that_name_a_place_beside_the_task_root_stay_as_they_are(tmp_path: Path, store: ObjectStore) -> None:
    beside = "{root}s/cache {root}.old {root}-2 {root}~ /mnt{root}/x".replace("{root}", str(package()))
    write(tmp_path / "tree", {"app.py": SEEN.format(names=["BESIDE"])})
    _, *answers = _dropped(tmp_path / "tree", tmp_path, store, Run({"BESIDE": beside}))
    assert [answer for _, answer in answers] == [[["BESIDE", beside, beside]]] * 2


def test_a_sitecustomize_that_pythonpath_names_runs_before_everything(tmp_path: Path, store: ObjectStore) -> None:
    app = "import builtins\ndef handler(event, context):\n    return builtins.SEEN\n"
    early = "import builtins, os, sys\nbuiltins.SEEN = ['awslambdaric' in sys.modules, __file__]\n"
    write(tmp_path / "tree", {"app.py": app, "vendor/sitecustomize.py": early})
    run = Run({"PYTHONPATH": "/opt/python:{root}/vendor"})
    natively = _natively(tmp_path / "tree", tmp_path, run)
    assert natively[1][0] == "response"
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == natively


WRAPPING = """\
import importlib, os
module, _, name = os.environ["ORIG_HANDLER"].rpartition(".")
holder = importlib.import_module(module)
original = getattr(holder, name)
calls = []

def wrapped(event, context):
    calls.append(event)
    return [original(event, context), len(calls)]

setattr(holder, name, wrapped)
lambda_handler = getattr(importlib.import_module(module), name)
"""
"""As OpenTelemetry's does: it takes the function out of its module, puts its own in, and imports the module again."""
ASKING = """\
import importlib, os

def handler(event, context):
    module, _, name = os.environ["DD_LAMBDA_HANDLER"].rpartition(".")
    answer = getattr(importlib.import_module(module), name)(event, context)
    return [answer, os.environ["DD_LAMBDA_HANDLER"]]
"""
"""As Sentry's does: a variable of its own says which function it stands for, and nobody asks before the first call."""
BUSY = """\
import os, sys
IMPORTED = []
IMPORTED.append(1)

def handler(event, context):
    return [event, IMPORTED, __name__, os.environ["_HANDLER"], os.environ.get("ORIG_HANDLER"), os.getcwd()]
"""
LAYERS = {
    "that puts its function into the module": (WRAPPING, "layer_wrapper.lambda_handler", "ORIG_HANDLER"),
    "that asks for the function at each call": (ASKING, "layer_wrapper.handler", "DD_LAMBDA_HANDLER"),
}


def _layered(tmp_path: Path, module: str, handler: str, variable: str) -> Run:
    """Run behind a layer, whose wrapper names the layer's function in the place of the function's own."""
    layer = write(tmp_path / "layer", {"layer_wrapper.py": module})
    script = f'export PYTHONPATH={layer} {variable}=$_HANDLER _HANDLER={handler}; exec "$@"'
    return Run({"LD_LIBRARY_PATH": LIBRARIES}, wrapper=("/bin/sh", "-c", script, "wrapper"))


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
def test_a_layer_whose_wrapper_replaces_the_handler_works(
    tmp_path: Path, store: ObjectStore, layer: tuple[str, str, str]
) -> None:
    write(tmp_path / "tree", {"app.py": BUSY})
    run = _layered(tmp_path, *layer)
    natively = _natively(tmp_path / "tree", tmp_path, run)
    assert [kind for kind, _ in natively] == ["ready", "response", "response"]
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == natively


def test_a_release_with_libraries_starts_again_behind_a_layer(tmp_path: Path, store: ObjectStore) -> None:
    write(tmp_path / "tree", {"app.py": BUSY, "lib/libown.so": "x"})
    run = _layered(tmp_path, *LAYERS["that puts its function into the module"])
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == _natively(tmp_path / "tree", tmp_path, run)


def test_a_release_with_libraries_says_that_it_cannot_start_again_within_a_call(
    tmp_path: Path, store: ObjectStore
) -> None:
    write(tmp_path / "tree", {"app.py": BUSY, "lib/libown.so": "x"})
    run = _layered(tmp_path, *LAYERS["that asks for the function at each call"])
    (_, _), (kind, told), (_, again) = _dropped(tmp_path / "tree", tmp_path, store, run)
    assert (kind, told["errorType"], again["errorType"]) == ("error", "Dropshift.Late", "Dropshift.Late")
    assert "name the layer's function in dropshift.toml" in told["errorMessage"]


def test_an_application_may_call_a_module_bootstrap_behind_a_layer(tmp_path: Path, store: ObjectStore) -> None:
    app = "import bootstrap\ndef handler(event, context):\n    return bootstrap.MINE\n"
    write(tmp_path / "tree", {"app.py": app, "bootstrap.py": "MINE = 7\n"})
    run = _layered(tmp_path, *LAYERS["that asks for the function at each call"])
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == _natively(tmp_path / "tree", tmp_path, run)
