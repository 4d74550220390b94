"""Whether a Python handler will be found: told from sources that were never imported."""

import marshal

import pytest

from deployer.inspection.archive import Limits, Refusal
from deployer.inspection.inspect import inspect_archive
from deployer.model.inspection import Inspection
from tests.pure.compatibility_cases import HANDLER, PYTHON, RUN, elf_of, said, verdict
from tests.pure.hostile import Memory, member, tgz_of

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
    "a coding cookie": "# -*- coding: latin-1 -*-\nname = 'größe'\ndef run(e, c): ...".encode("latin-1"),
}


@pytest.mark.parametrize("source", SOURCES_THAT_BIND.values(), ids=SOURCES_THAT_BIND)
def test_a_handler_is_found_however_it_is_bound(source: bytes) -> None:
    assert isinstance(verdict({"app/main.py": source}, manifest=RUN), Inspection)


@pytest.mark.parametrize(
    "path",
    ["app/main.py", "app/main/__init__.py", "app/main.cpython-313-x86_64-linux-gnu.so", "app/main.abi3.so"],
)
def test_a_handler_module_may_be_a_file_a_package_or_native(path: str) -> None:
    data = b"def run(e, c): ..." if path.endswith(".py") else elf_of(init="main")
    assert isinstance(verdict({path: data}, manifest=RUN), Inspection)


def test_the_usual_handler_is_lambda_function_lambda_handler() -> None:
    found = verdict({"lambda_function.py": b"def lambda_handler(e, c): ..."})
    assert isinstance(found, Inspection)
    assert found.start.handler == "lambda_function.lambda_handler"


BAD_HANDLERS = {
    # what is wrong: (the files, words of the answer)
    "no module": ({"other.py": HANDLER}, "no such module"),
    "no function": ({"app/main.py": b"def runn(e, c): ..."}, "did you mean runn?"),
    "a name only inside a function": ({"app/main.py": b"def f():\n    run = 1"}, "nothing called run"),
    "a name only inside a class": ({"app/main.py": b"class A:\n    def run(self): ..."}, "nothing called run"),
    "a syntax error": ({"app/main.py": b"def run(e, c)\n"}, "line 1: expected ':'"),
    "a NUL": ({"app/main.py": b"run = 1\0"}, "not Python"),
    "a coroutine": ({"app/main.py": b"async def run(e, c): ..."}, "coroutine function"),
    "one directory too deep": ({"release/app/main.py": b"def run(e, c): ..."}, "pack what is inside release"),
    "a package one directory too deep": (
        {"release/app/main/__init__.py": b"def run(e, c): ..."},
        "pack what is inside release",
    ),
    "a module in the package's place": (
        {"app.py": b"", "app/main.py": b"def run(e, c): ..."},
        "hidden by app.py",
    ),
    "another case": ({"app/Main.py": b"def run(e, c): ..."}, "rename app/Main.py"),
    "only cached bytecode": ({"app/__pycache__/main.cpython-313.pyc": b"x"}, "needs its source beside it"),
    "bytecode of another Python": ({"app/main.pyc": b"\xcb\r\r\n" + bytes(12)}, "bytecode of Python 3.12"),
    "bytecode without the name": ({"app/main.pyc": b"\xf3\r\r\n" + bytes(12) + b"other"}, "nothing called run"),
    "a re-export of nothing": (
        {"app/main.py": b"from .core import run", "app/core.py": b"def walk(): ..."},
        "app/core.py: nothing called run",
    ),
    "a re-export through a package": (
        {"app/main/__init__.py": b"from app.main.core import go as run", "app/main/core.py": b"stop = 1"},
        "app/main/core.py: nothing called go",
    ),
}


@pytest.mark.parametrize(("files", "words"), BAD_HANDLERS.values(), ids=BAD_HANDLERS)
def test_a_handler_that_is_not_there_is_told_with_a_way_out(files: dict[str, bytes], words: str) -> None:
    assert words in said(verdict(files, manifest=RUN))


@pytest.mark.parametrize("source", ["def run(e, c): ...", "from json import *", "globals()['r' + 'un'] = print"])
def test_bytecode_without_source_is_enough(source: str) -> None:
    code = b"\xf3\r\r\n" + bytes(12) + marshal.dumps(compile(source, "app/main.py", "exec"))
    assert isinstance(verdict({"app/main.pyc": code}, manifest=RUN), Inspection)


def test_a_module_that_makes_itself_a_package_hides_nothing() -> None:
    files = {"app.py": b"__path__ = ['app']", "app/main.py": b"def run(e, c): ..."}
    assert isinstance(verdict(files, manifest=RUN), Inspection)


@pytest.mark.parametrize("handler", ["time.run", "./app.run", "/app.run"])
def test_names_that_the_runtime_does_not_import_from_the_release_are_refused(handler: str) -> None:
    files = {"time.py": HANDLER, "app.py": b"def run(e, c): ..."}
    assert isinstance(verdict(files, manifest=f'[application]\nhandler = "{handler}"\n'), Refusal)


def test_one_way_in_which_a_handler_comes_to_be_is_enough() -> None:
    files = {
        "app/main.py": b"try:\n    from app.fast import run\nexcept ImportError:\n    from app.slow import run\n",
        "app/slow.py": b"",
        "app/fast.py": b"def run(e, c): ...",
    }
    assert isinstance(verdict(files, manifest=RUN), Inspection)


def test_re_exports_are_followed_to_the_function_and_not_in_circles() -> None:
    chain = {
        "app/main.py": b"from .a import run",
        "app/a.py": b"from app.b import run",
        "app/b.py": b"def run(e, c): ...",
    }
    assert isinstance(verdict(chain, manifest=RUN), Inspection)
    circle = {"app/main.py": b"from .a import run", "app/a.py": b"from .main import run"}
    assert isinstance(verdict(circle, manifest=RUN), Inspection)
    submodule = {"app/main.py": b"from app import run", "app/run.py": b"", "app/__init__.py": b""}
    assert isinstance(verdict(submodule, manifest=RUN), Inspection)


def test_a_handler_is_found_through_links_to_directories() -> None:
    current = member(b"app", type=b"2", link=b"versions/../versions/v2/app")
    data = tgz_of(
        member(b"versions/v2/app/main.py", b"def run(e, c): ..."), current, member(b"dropshift.toml", RUN.encode())
    )
    assert isinstance(inspect_archive(Memory("a.tgz", data), Limits(), PYTHON), Inspection)
