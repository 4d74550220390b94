"""Variables, libraries, layers and wrappers mean the same natively and dropped."""

from pathlib import Path

import pytest

from tests.applications import package, write
from tests.end_to_end.identity import FORMS, LIBRARIES, LIBRARY, VARIABLES, Both, Form, Run, put

IN_PYTHON = """\
import ctypes
VALUE = ctypes.CDLL("libanswer.so.1").answer()

def handler(event, context):
    return VALUE
"""


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_shared_library_is_found_in_every_form(both: Both, library: bytes, form: Form) -> None:
    form(write(both.tree, {"app.py": IN_PYTHON}), library)
    assert both.answers(Run({"LD_LIBRARY_PATH": LIBRARIES})) == [42, 42]


def test_a_library_whose_name_does_not_begin_with_lib_is_found(both: Both, library: bytes) -> None:
    put(write(both.tree, {"app.py": IN_PYTHON.replace("libanswer.so.1", "answer.so")}) / "lib" / "answer.so", library)
    assert both.answers(Run({"LD_LIBRARY_PATH": LIBRARIES})) == [42, 42]


@pytest.mark.parametrize(
    "variables", [{"LD_LIBRARY_PATH": "/opt/lib:{root}/vendor"}, {"LD_PRELOAD": "{root}/vendor/libanswer.so.1"}]
)
def test_a_library_is_found_where_the_functions_own_variables_say(
    both: Both, library: bytes, variables: dict[str, str]
) -> None:
    app = IN_PYTHON if "LD_LIBRARY_PATH" in variables else IN_PYTHON.replace('"libanswer.so.1"', "None")
    put(write(both.tree, {"app.py": app}) / "vendor" / LIBRARY, library)
    assert both.answers(Run(variables)) == [42, 42]


SEEN = """\
import json, os, subprocess, sys
NAMES = {names}

def handler(event, context):
    child = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    inherited = json.loads(subprocess.run(child, check=True, capture_output=True).stdout)
    return [[name, os.environ.get(name), inherited.get(name)] for name in NAMES]
"""


def test_variables_that_name_a_place_below_the_task_root_mean_the_release(both: Both) -> None:
    write(both.tree, {"app.py": SEEN.format(names=sorted(VARIABLES))})
    assert both.answers(Run(VARIABLES))


def test_variables_that_name_a_place_beside_the_task_root_stay_as_they_are(both: Both) -> None:
    beside = "{root}s/cache {root}.old {root}-2 {root}~ /mnt{root}/x".replace("{root}", str(package()))
    write(both.tree, {"app.py": SEEN.format(names=["BESIDE"])})
    _, *answers = both.dropped(Run({"BESIDE": beside}))
    assert [answer for _, answer in answers] == [[["BESIDE", beside, beside]]] * 2


def test_a_sitecustomize_that_pythonpath_names_runs_before_everything(both: Both) -> None:
    app = "import builtins\ndef handler(event, context):\n    return builtins.SEEN\n"
    early = "import builtins, os, sys\nbuiltins.SEEN = ['awslambdaric' in sys.modules, __file__]\n"
    write(both.tree, {"app.py": app, "vendor/sitecustomize.py": early})
    assert both.answers(Run({"PYTHONPATH": "/opt/python:{root}/vendor"}))


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
"""As Sentry's does: a variable of its own names the function that it wraps, and it imports that at the first call."""
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
    tmp_path: Path, both: Both, layer: tuple[str, str, str]
) -> None:
    write(both.tree, {"app.py": BUSY})
    assert both.answers(_layered(tmp_path, *layer))


def test_a_release_with_libraries_starts_again_behind_a_layer(tmp_path: Path, both: Both) -> None:
    write(both.tree, {"app.py": BUSY, "lib/libown.so": "x"})
    assert both.answers(_layered(tmp_path, *LAYERS["that puts its function into the module"]))


def test_a_release_with_libraries_says_that_it_cannot_start_again_within_a_call(tmp_path: Path, both: Both) -> None:
    write(both.tree, {"app.py": BUSY, "lib/libown.so": "x"})
    run = _layered(tmp_path, *LAYERS["that asks for the function at each call"])
    (_, _), (kind, error), (_, again) = both.dropped(run)
    assert (kind, error["errorType"], again["errorType"]) == ("error", "Dropshift.Late", "Dropshift.Late")
    assert "name the layer's function in dropshift.toml" in error["errorMessage"]


def test_an_application_may_call_a_module_bootstrap_behind_a_layer(tmp_path: Path, both: Both) -> None:
    app = "import bootstrap\ndef handler(event, context):\n    return bootstrap.MINE\n"
    write(both.tree, {"app.py": app, "bootstrap.py": "MINE = 7\n"})
    assert both.answers(_layered(tmp_path, *LAYERS["that asks for the function at each call"]))
