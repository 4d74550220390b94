"""Python handlers that will be found, or not, in sources that are never imported."""

import marshal
import sys
import sysconfig
from contextlib import closing
from inspect import iscoroutinefunction
from pathlib import Path

import pytest

from deployer.inspection.archive import Limits, Refusal
from deployer.inspection.compatibility import Probe, python_handler, runtime
from deployer.inspection.compatibility.candidate import Candidate
from deployer.inspection.inspect import inspect_archive
from deployer.model.entry import Entry
from deployer.model.inspection import Inspection
from deployer.model.manifest import Manifest
from tests.pure.compatibility_cases import HANDLER, PYTHON, RUN, elf_of, refusal, verdict, warnings
from tests.pure.hostile import Memory, member, tgz_of

MAIN, FUNCTION = "app/main.py", b"def run(e, c): ..."
SOURCES_THAT_BIND = {
    "a function": b"def run(event, context): ...",
    "a class": b"class run: ...",
    "an assignment": b"run = object()",
    "an annotated assignment": b"run: object = object()",
    "a tuple of names": b"(run, other), *rest = a()",
    "a walrus": b"if (run := make()): pass",
    "an import": b"import run",
    "an import from elsewhere": b"from somewhere import handler as run",
    "a conditional definition": b"if x:\n    def run(e, c): ...\nelse:\n    run = None",
    "a try": b"try:\n    from fast import run\nexcept ImportError:\n    def run(e, c): ...",
    "a loop": b"for run in handlers: break",
    "a with": b"with a() as run: pass",
    "a match": b"match a():\n    case [run]: pass",
    "a global": b"def make():\n    global run\n    run = 1\nmake()",
    "a star import": b"from elsewhere import *",
    "a module's __getattr__": b"def __getattr__(name): ...",
    "globals()": b"globals()['run'] = print",
    "globals() in a function": b"def make(name):\n    globals()[name] = print\nmake('run')",
    "locals()": b"locals()['run'] = print",
    "another object in the module's place": b"import sys\nsys.modules[__name__] = Lazy()",
    "the rest of a mapping": b"match a():\n    case {'x': 1, **run}: pass",
    "a coroutine that is wrapped later": b"async def run(e, c): ...\nrun = sync(run)",
    "a coroutine in one branch only": b"if x:\n    def run(e, c): ...\nelse:\n    async def run(e, c): ...",
    "a decorated coroutine": b"@sync\nasync def run(e, c): ...",
    "a function after a constant": b"run = None\ndef run(e, c): ...",
    "a branch after a constant": b"run = None\nif fast:\n    from app.fast import run",
    "a global after a constant": b"run = None\ndef make():\n    global run\n    run = print\nmake()",
    "globals() after a constant": b"run = None\nglobals()['run'] = print",
    "a call": b"run = make()",
    "another name's value": b"run = other = print",
    "a constant's method": b"run = 5 .__add__",
    "one of two names": b"run, other = print, len",
    "a coding cookie": "# -*- coding: latin-1 -*-\nname = 'größe'\ndef run(e, c): ...".encode("latin-1"),
}
DEEP = {
    # machine-made sources; what walks their expressions by recursion ends in a RecursionError
    "a sum of 1,000 terms": b"total = " + b" + ".join([b"a"] * 1_000),
    "a chain of 600 calls": b"query = q" + b".filter(a=1)" * 600,
    "1,100 branches": b"if x == 0: pass\n" + b"".join(b"elif x == %d: pass\n" % n for n in range(1_100)),
    "nested lists": b"tree = " + b"[" * 90 + b"]" * 90,
    "a constant of 1,000 terms under the handler's name": b"run = " + b" + ".join([b"1"] * 1_000),
}


def bytecode(source: str) -> bytes:
    return b"\xf3\r\r\n" + bytes(12) + marshal.dumps(compile(source, MAIN, "exec"))


FOUND = {
    **{name: {MAIN: source} for name, source in SOURCES_THAT_BIND.items()},
    **{name: {MAIN: source + b"\n" + FUNCTION} for name, source in DEEP.items()},
    "a package": {"app/main/__init__.py": FUNCTION},
    "a native module": {"app/main.cpython-313-x86_64-linux-gnu.so": elf_of(init="main")},
    "a native module of the stable ABI": {"app/main.abi3.so": elf_of(init="main")},
    "bytecode": {"app/main.pyc": bytecode("def run(e, c): ...")},
    "a star import in bytecode": {"app/main.pyc": bytecode("from json import *")},
    "globals() in bytecode": {"app/main.pyc": bytecode("globals()['r' + 'un'] = print")},
    "a module that makes itself a package": {"app.py": b"__path__ = ['app']", MAIN: FUNCTION},
    "one way of two": {
        MAIN: b"try:\n    from app.fast import run\nexcept ImportError:\n    from app.slow import run\n",
        "app/slow.py": b"",
        "app/fast.py": FUNCTION,
    },
}


@pytest.mark.parametrize("files", FOUND.values(), ids=FOUND)
def test_a_handler_is_found_however_it_is_bound(files: dict[str, bytes]) -> None:
    assert isinstance(verdict(files, manifest=RUN), Inspection)


def test_the_usual_handler_is_lambda_function_lambda_handler() -> None:
    found = verdict({"lambda_function.py": b"def lambda_handler(e, c): ..."})
    assert isinstance(found, Inspection)
    assert found.start.handler == "lambda_function.lambda_handler"


def test_a_source_that_is_too_deep_for_the_parser_is_only_warned_of() -> None:
    deep = b"total = " + b"-" * 100_000 + b"1\ndef run(e, c): ...\n"
    assert "nested too deep" in warnings(verdict({MAIN: deep}, manifest=RUN))


CONSTANTS = (
    "5",
    "-5",
    "60 * 60",
    "None",
    "True",
    "'app.run'",
    "f'{a}'",
    "b'x'",
    "[1, f]",
    "{'run': 1}",
    "(f,)",
    "{f}",
    "[a for a in b]",
    "(a for a in b)",
)


@pytest.mark.parametrize("value", CONSTANTS)
def test_a_handler_that_plainly_is_no_function_is_refused(value: str) -> None:
    for statement in (f"run = {value}", f"other = run = {value}", f"run: object = {value}"):
        answer = refusal(verdict({MAIN: b"# ours\n" + statement.encode()}, manifest=RUN))
        assert "run is a constant, by line 2, and cannot be called" in answer


def test_the_last_statement_of_a_module_decides_about_a_name_and_a_branch_does_not() -> None:
    assert "run is a constant, by line 2" in refusal(verdict({MAIN: b"def run(e, c): ...\nrun = None"}, manifest=RUN))
    assert "nothing called run" in refusal(verdict({MAIN: b"run: object"}, manifest=RUN))


def test_a_name_that_may_come_to_be_at_import_is_warned_of() -> None:
    for source in (b"from elsewhere import *", b"def __getattr__(name): ...", b"globals()['r' + 'un'] = print"):
        assert "app/main.py does not spell out run" in warnings(verdict({MAIN: source}, manifest=RUN))


ELSEWHERE = {
    # report: Datadog's and New Relic's layers need a handler of their own
    "a layer": ({}, {"layers": ("arn:aws:lambda:eu-west-1:1:layer:Datadog:1",)}, "datadog_lambda.handler.handler"),
    "a path below /opt": ({}, {}, "/opt/python/lumigo_tracer._handler"),
    "a mounted file system": ({}, {"module_path": ("/mnt/models",)}, "models.run"),
    # report: Pex and Pants name such a handler
    "a launcher": (
        {"__pex__/__init__.py": b"import os, sys\nsys.path.insert(0, '.bootstrap')\nboot()\n"},
        {},
        "__pex__.app.handler",
    ),
    "a package that finds modules itself": ({"app/__init__.py": b"__path__ = [make()]"}, {}, "app.main.run"),
    "a package of bytecode": ({"app/__init__.pyc": b"\xf3\r\r\n" + bytes(12)}, {}, "app.main.run"),
    "a path file that runs code": ({"a.pth": b"import sys; sys.path.append('x')"}, {}, "app.main.run"),
}


@pytest.mark.parametrize(("files", "function", "handler"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_handler_that_something_else_may_bring_is_only_warned_of(
    files: dict[str, bytes], function: dict[str, object], handler: str
) -> None:
    manifest = f'[application]\nhandler = "{handler}"\n'
    words = warnings(verdict({**files, "x.py": b""}, PYTHON.model_copy(update=function), manifest))
    assert f"must provide the handler {handler}, and the smoke test shows whether it does" in words


def test_a_package_that_only_imports_brings_no_other_modules() -> None:
    files = {"app/__init__.py": b"import os.path\nimport importlib.metadata\n", "setup.pth": b"import _hack\n"}
    assert "no such module" in refusal(verdict(files, manifest=RUN))


def test_a_handler_is_found_where_the_function_s_path_and_path_files_lead() -> None:
    source = {"src/app/main.py": FUNCTION}
    for path in ("/var/task/src", "src", "src/"):
        function = PYTHON.model_copy(update={"module_path": (path,)})
        assert not warnings(verdict(source, function, RUN))
    assert not warnings(verdict({**source, "app.pth": b"# ours\nsrc\n"}, manifest=RUN))
    wrong = PYTHON.model_copy(update={"module_path": ("/var/task/src",)})
    assert "nothing called run" in refusal(verdict({"src/app/main.py": b"x = 1"}, wrong, RUN))


def test_a_layer_is_no_excuse_without_the_way_out() -> None:
    layered = PYTHON.model_copy(update={"layers": ("arn:aws:lambda:eu-west-1:1:layer:Powertools:1",)})
    words = warnings(verdict({"release/app/main.py": FUNCTION}, layered, RUN))
    assert "it is at release/app/main.py: pack what is inside release" in words


def test_a_release_that_lies_in_a_folder_of_its_own_has_packing_its_content_as_its_way_out() -> None:
    files = {"myapp/app.py": HANDLER, "myapp/dropshift.toml": b"", "__MACOSX/myapp/._app.py": b"", ".DS_Store": b""}
    answer = refusal(verdict(files))
    assert "everything is in myapp/: pack its content (cd myapp && zip -r ../app.zip .)" in answer
    assert "myapp/dropshift.toml was not read" in answer
    other = refusal(verdict({**files, "README": b""}))
    assert "everything lies" not in other
    assert "myapp/dropshift.toml was not read" in other
    deeper = refusal(verdict({"myapp/lambda_function.py": HANDLER}))
    assert "pack what is inside myapp, not myapp itself (cd myapp && zip -r ../app.zip .)" in deeper


def test_syntax_that_is_newer_than_the_deployer_s_own_python_is_only_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = (sys.version_info[0], sys.version_info[1] + 1)
    files = {"lambda_function.py": b"page = t'{name}'\ndef lambda_handler(e, c): ...\n"}
    assert "not Python 3.13" in refusal(verdict(files))
    monkeypatch.setattr(runtime, "SUPPORTED_PYTHONS", (newer,))
    function = PYTHON.model_copy(update={"runtime": f"python{newer[0]}.{newer[1]}"})
    assert "the smoke test shows whether it is" in warnings(verdict(files, function))


BAD_HANDLERS = {
    # what is wrong: (the files, words of the answer)
    "no module": ({"other.py": HANDLER}, "no such module"),
    "no function": ({MAIN: b"def runn(e, c): ..."}, "did you mean runn?"),
    "a name only inside a function": ({MAIN: b"def f():\n    run = 1"}, "nothing called run"),
    "a name only inside a class": ({MAIN: b"class A:\n    def run(self): ..."}, "nothing called run"),
    "a syntax error": ({MAIN: b"def run(e, c)\n"}, "line 1: expected ':'"),
    "a NUL": ({MAIN: b"run = 1\0"}, "not Python"),
    "a coroutine": ({MAIN: b"async def run(e, c): ..."}, "coroutine function"),
    "one directory too deep": ({"release/app/main.py": FUNCTION}, "pack what is inside release"),
    "a package one directory too deep": ({"release/app/main/__init__.py": FUNCTION}, "pack what is inside release"),
    "a module in the package's place": ({"app.py": b"", MAIN: FUNCTION}, "hidden by app.py"),
    "another case": ({"app/Main.py": FUNCTION}, "rename app/Main.py"),
    "only cached bytecode": ({"app/__pycache__/main.cpython-313.pyc": b"x"}, "needs its source beside it"),
    "bytecode of another Python": ({"app/main.pyc": b"\xcb\r\r\n" + bytes(12)}, "bytecode of Python 3.12"),
    "a package of another Python's bytecode": (
        {"app/__init__.pyc": b"\xcb\r\r\n" + bytes(12), MAIN: FUNCTION},
        "app/__init__.pyc: bytecode of Python 3.12",
    ),
    "bytecode without the name": ({"app/main.pyc": b"\xf3\r\r\n" + bytes(12) + b"other"}, "nothing called run"),
}


@pytest.mark.parametrize(("files", "words"), BAD_HANDLERS.values(), ids=BAD_HANDLERS)
def test_a_handler_that_is_not_there_is_refused_with_a_way_out(files: dict[str, bytes], words: str) -> None:
    assert words in refusal(verdict(files, manifest=RUN))


def test_the_modules_that_hide_all_others_are_those_that_are_compiled_in() -> None:
    named = {name for name in sys.builtin_module_names if not name.startswith("_")}
    for module in sorted(named | {"signal", "json"}):
        found = verdict({f"{module}.py": HANDLER}, manifest=f'[application]\nhandler = "{module}.handler"\n')
        assert isinstance(found, Refusal) == (module in named), module


@pytest.mark.parametrize("handler", ["time.run", "./app.run", "/app.run"])
def test_names_that_the_runtime_does_not_import_from_the_release_are_refused(handler: str) -> None:
    files = {"time.py": HANDLER, "app.py": FUNCTION}
    assert isinstance(verdict(files, manifest=f'[application]\nhandler = "{handler}"\n'), Refusal)


def test_a_handler_is_found_through_links_to_directories() -> None:
    current = member(b"app", type=b"2", link=b"versions/../versions/v2/app")
    data = tgz_of(member(b"versions/v2/app/main.py", FUNCTION), current, member(b"dropshift.toml", RUN.encode()))
    assert isinstance(inspect_archive(Memory("a.tgz", data), Limits(), PYTHON), Inspection)


_EVERY = 5
PACKAGES = ("concurrent", "email", "html", "importlib", "json", "logging", "urllib")


def test_no_function_of_the_standard_library_would_be_refused() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    files = [file for package in PACKAGES for file in (library / package).rglob("*.py")] + sorted(library.glob("*.py"))
    with closing(Probe()) as probe:
        entries = [_fed(probe, file.relative_to(library).as_posix(), file.read_bytes()) for file in files]
        candidate = Candidate(entries, probe, Manifest(), PYTHON)
        handlers = [handler for package in PACKAGES for handler in _functions(package)]
        for handler in handlers:
            python_handler.check_handler(candidate, handler)
    assert len(handlers) > 50
    assert not candidate.problems


def _fed(probe: Probe, path: str, data: bytes) -> Entry:
    probe.begin(path, len(data))
    probe.write(data)
    probe.end()
    return Entry(path=path, kind="file", mode=0o644, size=len(data))


def _functions(package: str) -> list[str]:
    """Return what can be called in those modules of a package that are imported here."""
    modules = {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] == package and "_" not in name
    }
    found = ((name, key, value) for name, module in modules.items() for key, value in vars(module).items())
    called = [(name, key) for name, key, value in found if callable(value) and not iscoroutinefunction(value)]
    return [f"{name}.{key}" for name, key in called if not key.startswith("__")][::_EVERY]
