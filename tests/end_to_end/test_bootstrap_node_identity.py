"""Libraries, variables, layers and what starts before the runtime mean the same under Node, natively and dropped."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import toolchains
from tests.applications import call, dropped, native, package, release, write
from tests.end_to_end.test_bootstrap_identity import (
    FORMS,
    LIBRARIES,
    VARIABLES,
    Form,
    library,  # noqa: F401 - a fixture
)
from tests.local.environments import Environment
from tests.object_store import ObjectStore


class Run(NamedTuple):
    """The way to run an application; `{root}` in a variable is the task root that Lambda starts with."""

    variables: Mapping[str, str] = {}
    wrapper: Sequence[str] = ()
    handler: str = "app.handler"
    runtime: str = "nodejs24.x"

    def variables_at(self, root: Path) -> dict[str, str]:
        """The function's variables for a task root."""
        given = {"AWS_EXECUTION_ENV": f"AWS_Lambda_{self.runtime}", **self.variables}
        return {name: value.replace("{root}", str(root)) for name, value in given.items()}

    @property
    def command(self) -> tuple[str, ...]:
        """The wrapper with Node's runtime as its arguments."""
        return (*self.wrapper, *toolchains.node_runtime(self.runtime))


def _answers(environment: Environment) -> list[Any]:
    return [(one.kind, json.loads(one.payload or b"null")) for one in call(environment, {"n": 1}, {"n": 2}).outcomes]


def _natively(tree: Path, place: Path, run: Run) -> list[Any]:
    with native(tree, place, run.variables_at(tree), run.command, run.handler) as environment:
        return _answers(environment)


def _dropped(tree: Path, place: Path, store: ObjectStore, run: Run) -> list[Any]:
    pointer = release(tree, kind="nodejs", handler=run.handler).stored(store)
    variables = run.variables_at(package(run.runtime))
    with dropped(pointer, store, place, variables, run.command) as environment:
        text = json.dumps(_answers(environment))
        for root in place.glob(f"*/tmp/dropshift/{pointer.sha256[:32]}"):
            text = text.replace(str(root), str(tree))
    return [tuple(one) for one in json.loads(text)]


LOADS = """\
let said;
try { process.dlopen({ exports: {} }, "libanswer.so.1"); } catch (error) { said = error.message; }
exports.handler = async () => said;
"""
FOUND = "Module did not self-register: 'libanswer.so.1'."
"""Node's complaint about a library that the dynamic loader has found, and that is no addon of Node's."""


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_shared_library_is_found_in_every_form(
    tmp_path: Path,
    store: ObjectStore,
    library: Path,  # noqa: F811 - the fixture
    form: Form,
) -> None:
    form(write(tmp_path / "tree", {"app.js": LOADS}), library.read_bytes())
    run = Run({"LD_LIBRARY_PATH": LIBRARIES})
    natively = _natively(tmp_path / "tree", tmp_path, run)
    assert natively == [("ready", None), ("response", FOUND), ("response", FOUND)]
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == natively


SEEN = """\
import { execFileSync } from "node:child_process";
const names = %s;
const look = (env) => names.map((name) => [name, env[name] ?? null]);
export const handler = async () => {
  const child = JSON.parse(execFileSync(process.execPath, ["-p", "JSON.stringify(process.env)"]));
  return [look(process.env), look(child)];
};
"""


@pytest.mark.parametrize("runtime", toolchains.RUNTIMES)
@pytest.mark.parametrize("library_path", ["/opt/lib", LIBRARIES], ids=["in place", "started again"])
def test_variables_that_name_a_place_below_the_task_root_mean_the_release(
    tmp_path: Path, store: ObjectStore, runtime: str, library_path: str
) -> None:
    names = sorted([*VARIABLES, "LAMBDA_TASK_ROOT", "_HANDLER", "LD_LIBRARY_PATH", "DROPSHIFT_POINTER"])
    write(tmp_path / "tree", {"app.mjs": SEEN % json.dumps(names), "lib/libown.so": "x"})
    run = Run({**VARIABLES, "LD_LIBRARY_PATH": library_path}, runtime=runtime)
    natively = _natively(tmp_path / "tree", tmp_path, run)
    assert natively[1][0] == "response"
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == natively


def test_variables_that_name_a_place_beside_the_task_root_stay_as_they_are(tmp_path: Path, store: ObjectStore) -> None:
    beside = "{root}s/cache {root}.old {root}-2 {root}~ /mnt{root}/x".replace("{root}", str(package("nodejs24.x")))
    write(tmp_path / "tree", {"app.mjs": SEEN % '["BESIDE"]'})
    _, *answers = _dropped(tmp_path / "tree", tmp_path, store, Run({"BESIDE": beside}))
    assert [answer for _, answer in answers] == [[[["BESIDE", beside]]] * 2] * 2


LAYER = """\
import fs from "node:fs";
import { pathToFileURL } from "node:url";
async function load() {
  const [module, name] = process.env.DD_LAMBDA_HANDLER.split(".");
  const path = `${process.env.LAMBDA_TASK_ROOT}/${module}`;
  const file = [".js", ".mjs"].map((ending) => path + ending).find(fs.existsSync);
  return (await import(pathToFileURL(file)))[name];
}
const early = await load();
export const handler = async (event) => [(await load()) === early, await early(event), process.env._HANDLER];
"""
"""As Datadog's does: a variable of its own says which function it stands for; this one looks twice."""


@pytest.mark.parametrize("runtime", toolchains.RUNTIMES)
@pytest.mark.parametrize("libraries", [{}, {"lib/libown.so": "x"}], ids=["in place", "started again"])
def test_a_layer_whose_handler_imports_the_functions_own_works(
    tmp_path: Path, store: ObjectStore, runtime: str, libraries: dict[str, str]
) -> None:
    layer = write(tmp_path / "layer", {"layer.mjs": LAYER})
    script = f'export DD_LAMBDA_HANDLER=$_HANDLER _HANDLER={layer}/layer.handler; exec "$@"'
    app = "export const handler = async (event) => [event, process.env.DD_LAMBDA_HANDLER, process.cwd()];\n"
    write(tmp_path / "tree", {"app.mjs": app, **libraries})
    run = Run({"LD_LIBRARY_PATH": LIBRARIES}, ("/bin/sh", "-c", script, "wrapper"), runtime=runtime)
    natively = _natively(tmp_path / "tree", tmp_path, run)
    assert [kind for kind, _ in natively] == ["ready", "response", "response"]
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == natively


TRACED = """\
const ours = Object.keys(process.env).filter((name) => name.startsWith("DROPSHIFT"));
export const handler = async () => [globalThis.traced, process.env.FROM, process.env.NODE_OPTIONS, ours];
"""
STARTED_FIRST = {
    "./": "--import ./trace.mjs",
    "task root": "--enable-source-maps --import {root}/trace.mjs",
    "package": "--require traces",
}


@pytest.mark.parametrize("runtime", toolchains.RUNTIMES)
@pytest.mark.parametrize("options", STARTED_FIRST.values(), ids=STARTED_FIRST.keys())
def test_what_node_loads_first_may_lie_in_the_release(
    tmp_path: Path, store: ObjectStore, runtime: str, options: str
) -> None:
    traces = "globalThis.traced = 'traced';\n"
    write(tmp_path / "tree", {"app.mjs": TRACED, "trace.mjs": traces, "node_modules/traces/index.js": traces})
    natively = _natively(tmp_path / "tree", tmp_path, Run({"NODE_OPTIONS": options}, runtime=runtime))
    assert [kind for kind, _ in natively] == ["ready", "response", "response"]
    run = Run({"DROPSHIFT_NODE_OPTIONS": options}, runtime=runtime)
    assert _dropped(tmp_path / "tree", tmp_path, store, run) == natively


def test_a_wrapper_may_lie_in_the_release(tmp_path: Path, store: ObjectStore) -> None:
    script = '#!/bin/sh\nexport FROM=wrapped\nexec "$@"\n'
    tree = write(tmp_path / "tree", {"app.mjs": TRACED, "bin/wrapper": script})
    (tree / "bin" / "wrapper").chmod(0o755)
    natively = _natively(tree, tmp_path, Run(wrapper=(str(tree / "bin" / "wrapper"),)))
    run = Run({"DROPSHIFT_EXEC_WRAPPER": "{root}/bin/wrapper"})
    assert natively[1] == ("response", [None, "wrapped", None, []])
    assert _dropped(tree, tmp_path, store, run) == natively


AGAIN = """\
import fs from "node:fs";
export const handler = async (event) => {
  if (event.n === 2) { %s; }
  return event.n === 1 ? fs.readFileSync("data.txt", "utf8") : null;
};
"""
CHANGES: dict[str, str] = {
    "content": "fs.writeFileSync('data.txt', 'OTHER')",
    "content of the same length, and its times": (
        "const { atime, mtime } = fs.statSync('data.txt'); fs.writeFileSync('data.txt', 'other');"
        " fs.utimesSync('data.txt', atime, mtime)"
    ),
    "a file too few": "fs.rmSync('data.txt')",
    "a file too many": "fs.writeFileSync('app.js', '')",
    "a link": "fs.rmSync('data.txt'); fs.symlinkSync('/etc/hostname', 'data.txt')",
}


@pytest.mark.parametrize("change", [*CHANGES.values(), ""], ids=[*CHANGES, "nothing"])
def test_after_a_restart_what_runs_is_what_was_verified(tmp_path: Path, store: ObjectStore, change: str) -> None:
    pointer = release(write(tmp_path / "tree", {"app.mjs": AGAIN % change, "data.txt": "whole"}), kind="nodejs").stored(
        store
    )
    with dropped(pointer, store, tmp_path, {}, Run().command) as environment:
        call(environment, {"n": 1}, {"n": 2})
        asked = len(store.requests)
        again = call(environment, {"n": 1})
    assert again.answers == ["whole"]
    assert (len(store.requests) > asked) == bool(change)
