"""Programs, commands and Node.js handlers that will start, or not."""

import json
from pathlib import Path

import pytest

from deployer.inspection.archive import FileSource, Limits
from deployer.inspection.inspect import inspect_archive
from deployer.model.inspection import Inspection
from tests.pure.compatibility_cases import APP, NODE, PYTHON, elf_of, refusal, verdict, warnings
from tests.pure.hostile import member, tgz_of

PROGRAM = '[application]\nkind = "executable"\ncommand = ["./server"]\n'
GLIBC_LOADER = "/lib64/ld-linux-x86-64.so.2"
BAD_PROGRAMS = {
    "no program": ({"other": b"#!/bin/sh\n"}, "no such file"),
    "one directory too deep": ({"dist/server": elf_of()}, "pack what is inside dist"),
    "another architecture": ({"server": elf_of(183)}, "native code for arm64"),
    "musl": ({"server": elf_of(interpreter="/lib/ld-musl-x86_64.so.1")}, "musl"),
    "a newer glibc": ({"server": elf_of(glibc="GLIBC_2.38", interpreter=GLIBC_LOADER)}, "needs glibc 2.38"),
    "half a program": ({"server": elf_of(whole=False)}, "cut short"),
    "neither": ({"server": b"hello"}, "neither a Linux program nor a script"),
    "not executable": ({"server": b"hello"}, "executable bit is not set"),
    "a Windows program": ({"server": b"MZ" + bytes(99)}, "a program for Windows"),
    "a loader that no Lambda has": (
        {"server": elf_of(interpreter="/nix/store/0-glibc-2.40/lib/ld-linux-x86-64.so.2")},
        "started by /nix/store/",
    ),
    "CR LF": ({"server": b"#!/bin/sh\r\necho\r\n"}, "CR LF"),
}


@pytest.mark.parametrize(("files", "words"), BAD_PROGRAMS.values(), ids=BAD_PROGRAMS)
def test_a_program_that_cannot_start_is_refused(files: dict[str, bytes], words: str) -> None:
    assert words in refusal(verdict(files, manifest=PROGRAM))


@pytest.mark.parametrize("data", [elf_of(interpreter=GLIBC_LOADER), elf_of(), b"#!/bin/sh\necho\n"])
def test_a_program_that_can_start_passes(data: bytes) -> None:
    assert not warnings(verdict({"server": data}, manifest=PROGRAM))


def test_a_command_of_the_runtime_s_passes_and_one_that_path_would_hide_is_warned_of() -> None:
    command = '[application]\nkind = "command"\ncommand = ["{}"]\n'
    assert not warnings(verdict(APP, manifest=command.format("/bin/sh")))
    assert "write ./run" in warnings(verdict({"run": b"#!/bin/sh\n"}, manifest=command.format("run")))
    own = elf_of(interpreter="/var/task/lib/ld.so")
    assert not warnings(verdict({"run": own}, manifest=command.format("./run")))


def test_a_linked_program_is_checked_where_the_link_leads(tmp_path: Path) -> None:
    data = tgz_of(
        member(b"v2/server", elf_of(183), mode=b"0000755\0"),
        member(b"server", type=b"2", link=b"v2/server"),
        member(b"dropshift.toml", PROGRAM.encode()),
    )
    (tmp_path / "a.tgz").write_bytes(data)
    assert "arm64" in refusal(inspect_archive(FileSource(tmp_path / "a.tgz"), Limits(), PYTHON))


HANDLER = b"exports.handler = async () => 1"
MODULE_TYPE = json.dumps({"type": "module"}).encode()
NODE_CASES: dict[str, tuple[dict[str, bytes], str]] = {
    "CommonJS": ({"index.js": b"exports.handler = async () => 1;"}, ""),
    "an ES module": ({"index.mjs": b"export const handler = async () => 1;"}, ""),
    "an ES module by package.json": (
        {"index.js": b"export async function handler() {}", "package.json": MODULE_TYPE},
        "",
    ),
    "a bundle": ({"index.cjs": b'"use strict";module.exports={handler:()=>1}'}, ""),
    "a re-export": ({"index.js": b'module.exports = require("./dist/main");'}, ""),
    "a re-export by TypeScript": ({"index.js": b'"use strict";__exportStar(require("./api"), exports);'}, ""),
    "exports by computed names": ({"index.js": b"for (const n of names) exports[n] = make(n);"}, ""),
    "exports by a default that is made elsewhere": (
        {"index.mjs": b"import api from './api.mjs';\nexport default { ...api };\n"},
        "",
    ),
    "exports by a spread": ({"index.js": b"const api = make();\nmodule.exports = { x: 1, ...api };\n"}, ""),
    "a directory with an index": ({"index/index.js": HANDLER}, ""),
    "a minified module": (
        {"index.js": b"var e=()=>1;export{e as handler};\nexports.x=1", "package.json": MODULE_TYPE},
        "",
    ),
    "minified CommonJS that speaks of modules": (
        {"index.js": b"var t=`\nexport default x\n`;module.exports={handler:()=>t}"},
        "",
    ),
    "no file": ({"main.js": b""}, "no such file"),
    "TypeScript": ({"index.ts": b"export const handler = () => 1"}, "compile it"),
    "one directory too deep": ({"dist/index.js": HANDLER}, "pack what is inside dist"),
    "no such export": ({"index.js": b"exports.other = 1"}, "nothing called handler"),
    "a file that exports nothing": ({"index.js": b"const handler = () => 1"}, "a module that exports nothing"),
    "a package of node_modules": ({"node_modules/wrapper/index.js": b"", "x.js": b""}, "no such file"),
    "an addon for macOS": (
        {"index.js": HANDLER, "node_modules/x/build/x.node": b"\xcf\xfa\xed\xfe" + bytes(99)},
        "an addon for macOS",
    ),
    "an addon that is asked for on macOS only": (
        {"index.js": HANDLER, "node_modules/fsevents/fsevents.node": b"\xcf\xfa\xed\xfe" + bytes(99)},
        "",
    ),
    "addons for many systems": (
        {
            "index.js": HANDLER,
            "node_modules/x/prebuilds/darwin-arm64/x.node": b"\xcf\xfa\xed\xfe" + bytes(99),
            "node_modules/x/prebuilds/linux-x64/x.node": elf_of(),
            "node_modules/x/prebuilds/linux-x64-musl/x.node": elf_of(needed="libc.musl-x86_64.so.1"),
        },
        "",
    ),
}


@pytest.mark.parametrize(("files", "words"), NODE_CASES.values(), ids=NODE_CASES)
def test_a_node_handler_is_found_as_node_finds_it(files: dict[str, bytes], words: str) -> None:
    found = verdict(files, NODE)
    assert words in refusal(found) if words else isinstance(found, Inspection)


def test_a_node_handler_may_be_a_name_within_an_export_and_lie_in_a_directory() -> None:
    manifest = '[application]\nhandler = "src/index.api.get"\n'
    assert isinstance(verdict({"src/index.js": b"exports.api = {get: 1}"}, NODE, manifest), Inspection)
    assert "nothing called api" in refusal(verdict({"src/index.js": b"exports.get = 1"}, NODE, manifest))


ELSEWHERE = {
    "a layer": ("wrapper.handler", {"layers": ("arn:aws:lambda:eu-west-1:1:layer:NewRelic:1",)}),
    "a path below /opt": ("/opt/nodejs/node_modules/datadog-lambda-js/handler.handler", {}),
    "a mounted file system": ("wrapper.handler", {"module_path": ("/mnt/node_modules",)}),
}


@pytest.mark.parametrize(("handler", "function"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_node_handler_that_something_else_may_bring_is_only_warned_of(
    handler: str, function: dict[str, object]
) -> None:
    manifest = f'[application]\nhandler = "{handler}"\n'
    words = warnings(verdict({"index.js": HANDLER}, NODE.model_copy(update=function), manifest))
    assert f"must provide the handler {handler}" in words


def test_a_node_handler_may_lie_in_a_package_that_require_finds_by_its_name() -> None:
    manifest = '[application]\nhandler = "src/wrapper.handler"\n'
    for place in ("node_modules/wrapper/package.json", "src/node_modules/wrapper/index.js", "node_modules/wrapper.js"):
        assert isinstance(verdict({place: b"{}", "x.js": b""}, NODE, manifest), Inspection)
    path = NODE.model_copy(update={"module_path": ("/var/task/lib",)})
    assert isinstance(verdict({"lib/wrapper/index.js": b"", "x.js": b""}, path, manifest), Inspection)
    assert "no such file" in refusal(verdict({"lib/wrapper/index.js": b"", "x.js": b""}, NODE, manifest))


def test_a_program_in_a_folder_of_its_own_has_packing_its_content_as_its_way_out() -> None:
    answer = refusal(verdict({"myapp/server": elf_of(), "myapp/dropshift.toml": PROGRAM.encode()}))
    assert "everything is in myapp/" in answer
    assert "myapp/dropshift.toml was not read" in answer
