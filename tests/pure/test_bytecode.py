"""The bytecode in a bundle: for the function's own Python, whatever the deployer's, and as that Python makes it."""

import resource
import subprocess
from pathlib import Path

import pytest

from deployer.bundle import bytecode
from deployer.bundle.bytecode import Bytecode
from deployer.bundle.plan import BuildOptions
from tests import pythons, toolchains
from tests.applications import entries, write

SOURCES: dict[str, str | bytes] = {
    "app.py": "import pkg\n\ndef handler(event: dict, context=None) -> str:\n    return f'{event}' + pkg.NAME\n",
    "pkg/__init__.py": "NAME = '\\N{BULLET}'\nclass A[T]:\n    def b(self): return [c for c in __class__.__mro__]\n",
    "pkg/latin.py": b"# -*- coding: latin-1 -*-\nword = '\xe4'\n",
    "pkg/n\xe4me.py": "match 1:\n    case int(\xe4): pass\n",
    "pkg/new\nline.py": "x = 1\n",
}
UNFIT: dict[str, str | bytes] = {
    **{f"print{number}.py": "print 'python 2'\n" for number in range(9)},
    "null.py": b"x = 1\0\n",
    "coding.py": "# coding: nonsense\n",
    "deep.py": "x = " + "-" * 100_000 + "1\n",
    "sum.py": "x = " + "+".join(["a"] * 100_000) + "\n",
}
REFERENCE = """
import importlib.util, marshal, py_compile, sys, types

def lineless(code):
    inner = tuple(lineless(one) if isinstance(one, types.CodeType) else one for one in code.co_consts)
    return code.replace(co_consts=inner, co_linetable=b"")

for source in sys.stdin.buffer.read().decode().split("\\0"):
    found = open(importlib.util.cache_from_source(source), "rb").read()
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(source, sys.argv[1], source, doraise=True, invalidation_mode=mode)
    wanted = open(sys.argv[1], "rb").read()
    assert found[:16] == wanted[:16], (found[:16], wanted[:16])
    assert lineless(marshal.loads(found[16:])) == lineless(marshal.loads(wanted[16:])), source
    print("identical" if found == wanted else "equal")
"""
"""Compares with what py_compile makes. Of these sources, patch releases of one version differ in line tables alone."""


@pytest.fixture(params=pythons.served())
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def compiled(tree: Path, version: str) -> dict[str, bytes]:
    """Compile a tree as for a bundle; return the bytecode by its place."""
    plan = BuildOptions(python=pythons.number(version), pythons=pythons.compilers())
    return {entry.path: (tree / entry.path).read_bytes() for entry in Bytecode(tree, entries(tree), plan, None).entries}


def place(source: str, version: str) -> str:
    """Return where the bytecode of a source has to lie."""
    folder, _, name = source.rpartition("/")
    return f"{folder}/__pycache__/".lstrip("/") + name.removesuffix("py") + f"{pythons.tag(version)}.pyc"


def test_every_source_has_bytecode_where_its_python_looks_for_it(tmp_path: Path, version: str) -> None:
    assert set(compiled(write(tmp_path, SOURCES), version)) == {place(source, version) for source in SOURCES}


def test_bytecode_is_what_py_compile_makes_and_byte_for_byte_where_the_release_is_the_same(
    tmp_path: Path, version: str
) -> None:
    python, tree = toolchains.python(version), write(tmp_path / "tree", SOURCES)
    compiled(tree, version)
    command, names = [str(python), "-I", "-c", REFERENCE, str(tmp_path / "wanted")], "\0".join(SOURCES)
    said = subprocess.run(command, cwd=tree, input=names, capture_output=True, text=True, check=True).stdout
    assert set(said.split()) <= ({"identical"} if version == pythons.OWN else {"identical", "equal"})


def test_bytecode_is_imported_by_its_python_and_never_compared_with_its_source(tmp_path: Path, version: str) -> None:
    tree = write(tmp_path, SOURCES)
    compiled(tree, version)
    for source in SOURCES:
        (tree / source).write_text("raise RuntimeError('this source was compiled')\n")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import app, pkg.latin; print(app.handler(1))"
    ran = subprocess.run(
        [toolchains.python(version), "-I", "-c", code, tree], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "1\u2022\n"


def test_a_source_that_does_not_compile_costs_nobody_else_its_bytecode(tmp_path: Path, version: str) -> None:
    found = compiled(write(tmp_path, {**UNFIT, "z.py": "x = 1\n"}), version)
    assert set(found) == {place("z.py", version)}


def test_bytecode_does_not_depend_on_where_the_release_was_unpacked(tmp_path: Path, version: str) -> None:
    assert compiled(write(tmp_path / "a", SOURCES), version) == compiled(write(tmp_path / "b", SOURCES), version)


def test_a_file_that_shares_its_bytes_with_old_bytecode_keeps_them(tmp_path: Path, version: str) -> None:
    tree = write(tmp_path, {"a.py": "x = 1\n", "precious.bin": "precious", "__pycache__/other": ""})
    (tree / place("a.py", version)).hardlink_to(tree / "precious.bin")
    compiled(tree, version)
    assert (tree / "precious.bin").read_text() == "precious"


def nested(levels: int) -> str:
    """Return a source whose bytecode doubles with each level: the innermost body is there once for each way to it."""
    return "".join(f"{' ' * deep}try:y\n{' ' * deep}finally:\n" for deep in range(levels)) + f"{' ' * levels}x=1\n"


def test_a_source_that_takes_more_than_a_compiler_may_costs_nobody_else_its_bytecode(
    tmp_path: Path, version: str
) -> None:
    """With 24 levels, the last takes 60 GB and more than ten minutes."""
    hostile = {f"h{levels}.py": nested(levels) for levels in (12, 15, 17, 24)}
    found = compiled(write(tmp_path, {"a.py": "x = 1\n", **hostile, "z.py": "x = 2\n"}), version)
    assert set(found) == {place("a.py", version), place("z.py", version)}


def test_a_source_that_kills_its_compiler_costs_nobody_else_its_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bytecode, "_SECONDS", 1)
    monkeypatch.setattr(bytecode, "_MEMORY", 2**40)
    found = compiled(write(tmp_path, {"a.py": "x = 1\n", "h.py": nested(24), "z.py": "x = 2\n"}), pythons.OWN)
    assert set(found) == {place("a.py", pythons.OWN), place("z.py", pythons.OWN)}


def test_compilers_that_die_again_and_again_end(tmp_path: Path) -> None:
    hostile = {f"h{number}.py": nested(24) for number in range(9)}
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert set(compiled(write(tmp_path, {"a.py": "x = 1\n", **hostile}), pythons.OWN)) == {place("a.py", pythons.OWN)}
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    assert spent < 8, "five deaths at 512 MB take 2 s, at eight times as much 15 s"


def test_a_compiler_gets_no_variable_of_the_deployer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen = tmp_path / "environment"
    shell = tmp_path / "pythons" / "3.8" / "python"
    shell.parent.mkdir(parents=True)
    shell.write_text(f"#!/bin/sh\nenv > {seen}\n")
    shell.chmod(0o755)
    tree = write(tmp_path / "tree", {"a.py": "x = 1\n"})
    options = BuildOptions(python=(3, 8), pythons=tmp_path / "pythons")
    assert not Bytecode(tree, entries(tree), options, None).entries
    assert "secret" not in seen.read_text()
