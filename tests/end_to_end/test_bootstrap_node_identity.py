"""Libraries, variables, layers and what starts before the runtime mean the same under Node, natively and dropped."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests import toolchains
from tests.applications import call, dropped, package, release, write
from tests.end_to_end import identity
from tests.end_to_end.identity import FORMS, LIBRARIES, VARIABLES, Both, Form
from tests.object_store import ObjectStore

Run = partial(identity.Run, runtime="nodejs24.x")

LOADS = """\
let said;
try { process.dlopen({ exports: {} }, "libanswer.so.1"); } catch (error) { said = error.message; }
exports.handler = async () => said;
"""
FOUND = "Module did not self-register: 'libanswer.so.1'."
"""Node's complaint about a library that the dynamic loader has found, and that is no addon of Node's."""


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_shared_library_is_found_in_every_form(both: Both, library: bytes, form: Form) -> None:
    form(write(both.tree, {"app.js": LOADS}), library)
    assert both.answers(Run({"LD_LIBRARY_PATH": LIBRARIES})) == [FOUND, FOUND]


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
    both: Both, runtime: str, library_path: str
) -> None:
    names = sorted([*VARIABLES, "LAMBDA_TASK_ROOT", "_HANDLER", "LD_LIBRARY_PATH", "DROPSHIFT_POINTER"])
    write(both.tree, {"app.mjs": SEEN % json.dumps(names), "lib/libown.so": "x"})
    assert both.answers(Run({**VARIABLES, "LD_LIBRARY_PATH": library_path}, runtime=runtime))


def test_variables_that_name_a_place_beside_the_task_root_stay_as_they_are(both: Both) -> None:
    beside = "{root}s/cache {root}.old {root}-2 {root}~ /mnt{root}/x".replace("{root}", str(package("nodejs24.x")))
    write(both.tree, {"app.mjs": SEEN % '["BESIDE"]'})
    _, *answers = both.dropped(Run({"BESIDE": beside}))
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
"""As Datadog's does: a variable of its own names the function that it wraps; this one imports it twice."""


@pytest.mark.parametrize("runtime", toolchains.RUNTIMES)
@pytest.mark.parametrize("libraries", [{}, {"lib/libown.so": "x"}], ids=["in place", "started again"])
def test_a_layer_whose_handler_imports_the_functions_own_works(
    tmp_path: Path, both: Both, runtime: str, libraries: dict[str, str]
) -> None:
    layer = write(tmp_path / "layer", {"layer.mjs": LAYER})
    script = f'export DD_LAMBDA_HANDLER=$_HANDLER _HANDLER={layer}/layer.handler; exec "$@"'
    app = "export const handler = async (event) => [event, process.env.DD_LAMBDA_HANDLER, process.cwd()];\n"
    write(both.tree, {"app.mjs": app, **libraries})
    assert both.answers(Run({"LD_LIBRARY_PATH": LIBRARIES}, ("/bin/sh", "-c", script, "wrapper"), runtime=runtime))


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
def test_what_node_loads_first_may_lie_in_the_release(both: Both, runtime: str, options: str) -> None:
    traces = "globalThis.traced = 'traced';\n"
    write(both.tree, {"app.mjs": TRACED, "trace.mjs": traces, "node_modules/traces/index.js": traces})
    natively = both.natively(Run({"NODE_OPTIONS": options}, runtime=runtime))
    assert [kind for kind, _ in natively] == ["ready", "response", "response"]
    assert both.dropped(Run({"DROPSHIFT_NODE_OPTIONS": options}, runtime=runtime)) == natively


def test_a_wrapper_may_lie_in_the_release(both: Both) -> None:
    script = '#!/bin/sh\nexport FROM=wrapped\nexec "$@"\n'
    wrapper = write(both.tree, {"app.mjs": TRACED, "bin/wrapper": script}) / "bin" / "wrapper"
    wrapper.chmod(0o755)
    natively = both.natively(Run(wrapper=(str(wrapper),)))
    assert natively[1] == ("response", [None, "wrapped", None, []])
    assert both.dropped(Run({"DROPSHIFT_EXEC_WRAPPER": "{root}/bin/wrapper"})) == natively


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
    with dropped(pointer, store, tmp_path, runtime=toolchains.node_runtime()) as environment:
        call(environment, {"n": 1}, {"n": 2})
        asked = len(store.requests)
        again = call(environment, {"n": 1})
    assert again.answers == ["whole"]
    assert (len(store.requests) > asked) == bool(change)
