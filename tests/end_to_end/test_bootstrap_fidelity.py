"""An application behaves the same, deployed natively or dropped: same answers, errors, traces, surroundings.

Each case runs under AWS's own runtime client natively, dropped, and dropped with a last file that is still on its way
while the application is imported. Only the directory of the files must differ: its name is replaced by
`<root>` before they are compared.
"""

import subprocess
import time
from pathlib import Path

import pytest

from bootstrap.loader.shares import HELD
from deployer.aws.profile_request import unwrap
from deployer.model.profile import Profile
from tests import pythons, toolchains
from tests.applications import (
    LARGE,
    call,
    dropped,
    dropped_while_it_arrives,
    invocation,
    native,
    natively_and_dropped,
    release,
    reported,
    write,
)
from tests.local.confinement import MAY_UNSHARE
from tests.object_store import ObjectStore

LOOK = """\
import json, os, sys, threading

def handler(event, context):
    return {
        "path": sys.path, "modules": sorted(sys.modules), "cwd": os.getcwd(), "argv": sys.argv,
        "environment": dict(os.environ), "main": sys.modules["__main__"].__file__, "file": __file__, "name": __name__,
        "meta_path": [str(type(finder)) for finder in sys.meta_path], "hooks": len(sys.path_hooks),
        "threads": threading.active_count(), "umask": os.umask(0o022), "spec": str(__spec__.loader),
        "context": [context.function_name, context.memory_limit_in_mb, context.invoked_function_arn],
        "called by": sys._getframe(1).f_code.co_name,
        "calls ours": sys._getframe(1).f_locals["request_handler"] is handler,
        "client": str(sys.modules["awslambdaric.lambda_runtime_client"].runtime_client),
        "has time": 0 < context.get_remaining_time_in_millis() <= 20_000, "custom": context.client_context,
        "cached": sys.path_importer_cache.keys() >= {os.getcwd()}, "executable": sys.executable,
    }
"""
RAISES = """\
import helper

def handler(event, context):
    return helper.deeper(event)
"""
HELPER = """\
class Unlucky(Exception):
    pass

def deeper(event):
    try:
        {}["missing"]
    except KeyError as error:
        raise Unlucky(f"no luck with {event}") from error
"""
LOGS = """\
import logging, sys
log = logging.getLogger("app")
log.setLevel("INFO")

def handler(event, context):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    log.info("informed of %s", event)
    logging.getLogger().warning("warned")
    return None
"""
CASES: dict[str, dict[str, str]] = {
    "looks around": {"app.py": LOOK},
    "raises from another module": {"app.py": RAISES, "helper.py": HELPER},
    "logs": {"app.py": LOGS},
    "returns nothing": {"app.py": "def handler(event, context):\n    pass\n"},
    "returns what is not JSON": {"app.py": "def handler(event, context):\n    return {1, 2}\n"},
    "returns a generator": {"app.py": "def handler(event, context):\n    yield 1\n"},
    "is a class": {"app.py": "class handler:\n    def __new__(cls, event, context):\n        return 'made'\n"},
    "is an instance": {
        "app.py": "class A:\n    def __call__(self, event, context):\n        return 1\nhandler = A()\n"
    },
    "is a coroutine": {"app.py": "async def handler(event, context):\n    return 1\n"},
    "exits in the handler": {"app.py": "import sys\ndef handler(event, context):\n    sys.exit(3)\n"},
    "exits at import": {"app.py": "import sys\nsys.exit(3)\n"},
    "imports what is not there": {"app.py": "import nowhere.to_be_found\n"},
    "imports a name that is not there": {"app.py": "from json import nothing\n"},
    "raises at import": {"app.py": "def fail():\n    raise ValueError('at import')\nfail()\n"},
    "raises an AttributeError at import": {"app.py": "import json\njson.nothing\n"},
    "raises an AttributeError in another module": {"app.py": "import other\n", "other.py": "None.nothing\n"},
    "does not parse": {"app.py": "def handler(event, context)\n    return 1\n"},
    "has no handler": {"app.py": "def other(event, context):\n    return 1\n"},
    "has no module": {"other.py": "def handler(event, context):\n    return 1\n"},
    "sends a signal to itself": {
        "app.py": "import os, signal\nseen = []\nsignal.signal(signal.SIGUSR1, lambda *_: seen.append(1))\n"
        "def handler(event, context):\n    os.kill(os.getpid(), signal.SIGUSR1)\n    return seen\n"
    },
    "imports lazily": {
        "app.py": "def handler(event, context):\n    import late\n    return late.VALUE\n",
        "late.py": "VALUE = 7\n",
    },
    "has a path file": {
        "app.py": "def handler(event, context):\n    import vendored\n    return vendored.VALUE\n",
        "more.pth": "vendor\n",
        "vendor/vendored.py": "VALUE = 8\n",
    },
    "uses a namespace package": {
        "app.py": "import space.one\ndef handler(event, context):\n    return [space.one.V, len(space.__path__)]\n",
        "space/one.py": "V = 1\n",
    },
    "reads its own files": {
        "app.py": "import importlib.resources as r\nTEXT = open('data.txt').read()\nimport pkg\n"
        "def handler(event, context):\n    return [TEXT, r.files(pkg).joinpath('more.txt').read_text()]\n",
        "data.txt": "read at import",
        "pkg/__init__.py": "",
        "pkg/more.txt": "read later",
    },
    "reads a distribution's metadata": {
        "app.py": "import importlib.metadata as m\nV = m.version('thing')\ndef handler(*_):\n    return V\n",
        "thing-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.2\n",
    },
    "forks": {
        "app.py": "import os\ndef handler(event, context):\n    pid = os.fork()\n    if not pid:\n        os._exit(5)\n"
        "    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
    },
    "has children of its own only": {
        "app.py": "import os\ndef handler(event, context):\n    try:\n        return os.waitpid(-1, os.WNOHANG)\n"
        "    except ChildProcessError:\n        return 'none'\n"
    },
    "subclasses what the bootstrap also uses": {
        "app.py": "import socket, ssl, select, typing, fcntl, struct, hashlib\n"
        "class S(socket.socket):\n    pass\n"
        "def handler(event, context):\n    a, b = socket.socketpair()\n    with a, b:\n        a.send(b'x')\n"
        "        return [select.select([b], [], [], 1)[0] == [b], hashlib.sha256(b.recv(1)).hexdigest()[:8],"
        " ssl.create_default_context() is not None, typing.get_type_hints(S) == {}]\n"
    },
}
SHADOWED = (
    *("bootstrap", "json", "sitecustomize", "usercustomize", "index", "pointer", "boto3", "socket", "select", "fcntl"),
    *("zstandard", "backports.zstd", "typing", "_dropshift", "start", "load", "struct", "hashlib", "ssl", "hmac"),
    *("_zstd", "compression"),
)
SHADOWS = f"""\
import importlib
FOUND = {{}}
for name in {SHADOWED}:
    module = importlib.import_module(name)
    FOUND[name] = [getattr(module, "__file__", "built in"), getattr(module, "MINE", None)]

def handler(event, context):
    return FOUND
"""


@pytest.mark.every_python
@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
def test_a_dropped_application_behaves_as_a_native_one(tmp_path: Path, files: dict[str, str]) -> None:
    natively, through_us = natively_and_dropped(tmp_path, files)
    assert through_us == natively
    assert dropped_while_it_arrives(tmp_path, files) == natively


@pytest.mark.every_python
def test_an_application_may_call_its_modules_what_it_likes(tmp_path: Path) -> None:
    own = {f"{name.replace('.', '/')}.py": "MINE = 'the application\\'s own'\n" for name in SHADOWED}
    natively, through_us = natively_and_dropped(tmp_path, {"app.py": SHADOWS, **own})
    assert "application's own" in natively[0]
    assert through_us == natively


@pytest.mark.parametrize("handler", ["package.module.serve", "package/module.serve", "package.serve"])
def test_a_handler_may_lie_anywhere(tmp_path: Path, handler: str) -> None:
    module = "def serve(event, context):\n    return [event, __name__, __file__]\n"
    files = {"package/__init__.py": "from package.module import serve\n", "package/module.py": module}
    natively, through_us = natively_and_dropped(tmp_path, files, handler=handler)
    assert "package.module" in natively[0]
    assert through_us == natively


@pytest.mark.parametrize("handler", ["app", "time.sleep", "no.such.handler", "app.", ".handler"])
def test_a_handler_that_cannot_be_is_refused_in_the_same_words(tmp_path: Path, handler: str) -> None:
    files = {"app.py": "def handler(event, context):\n    pass\n"}
    natively, through_us = natively_and_dropped(tmp_path, files, handler=handler)
    assert "init-error" in natively[0]
    assert through_us == natively


@pytest.mark.parametrize(
    "variables", [{"AWS_LAMBDA_LOG_FORMAT": "JSON"}, {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "ERROR"}]
)
@pytest.mark.parametrize("case", ["logs", "raises from another module", "raises at import"])
def test_structured_logs_are_the_runtimes_own(tmp_path: Path, case: str, variables: dict[str, str]) -> None:
    natively, through_us = natively_and_dropped(tmp_path, CASES[case], variables)
    assert through_us == natively


RESERVED = ("bootstrap", "_dropshift", "json", "__main__", "awslambdaric", "site", "runtime_client", "start")


@pytest.mark.parametrize("module", RESERVED)
def test_a_handlers_module_may_have_a_name_that_is_taken(tmp_path: Path, module: str) -> None:
    text = "def handler(event, context):\n    return [event, __file__]\n"
    natively, through_us = natively_and_dropped(tmp_path, {f"{module}.py": text}, handler=f"{module}.handler")
    assert through_us == natively


LOOK_AT_EVERYTHING = """\
import ctypes, hashlib, mmap, os, stat, subprocess

def look(path):
    found = os.lstat(path)
    kind = [path, stat.S_IFMT(found.st_mode), stat.S_IMODE(found.st_mode), os.access(path, os.R_OK | os.X_OK)]
    return [*kind, os.path.exists(path), os.path.isfile(path), os.readlink(path) if os.path.islink(path) else ""]

PATHS = sorted(os.path.join(top, name) for top, folders, names in os.walk(".") for name in folders + names)
SEEN = [look(path) for path in PATHS] + [sorted(os.listdir(path)) for path in PATHS if os.path.isdir(path)]
SIZES = {path: os.path.getsize(path) for path in PATHS if os.path.isfile(path)}
C = ctypes.PyDLL(None)

def by_python(path):
    return open(path, "rb").read()

def by_mmap(path):
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[:]

def by_c(path):
    content, descriptor = ctypes.create_string_buffer(SIZES[path]), C.open(path.encode(), os.O_RDONLY)
    assert C.read(descriptor, content, SIZES[path]) == SIZES[path]
    os.close(descriptor)
    return content.raw

def by_a_child(path):
    return subprocess.run(["cat", path], stdout=subprocess.PIPE, check=True).stdout

WAYS = (by_python, by_mmap, by_c, by_a_child)
LARGE = [path for path in SIZES if path.startswith("./large") and not os.path.islink(path)]
READ = {path: hashlib.sha256(WAYS[n % 4](path)).hexdigest() for n, path in enumerate(reversed(sorted(LARGE)))}
READ |= {path: hashlib.sha256(by_python(path)).hexdigest() for path in SIZES}
LOADED = ctypes.CDLL(os.path.abspath("libanswer.so")).answer()

def handler(event, context):
    return [hashlib.sha256(repr(SEEN).encode()).hexdigest(), len(SEEN), SIZES, READ, LOADED]
"""
HARSH = (
    'mount -t tmpfs -o ro none /dev/shm && exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"',
    "prlimit --nofile=1024:1024",
)
"""As a function has it: no privilege, 1,024 descriptors, no /dev/shm."""
LATE = pytest.param("late", marks=pytest.mark.every_python)
SURROUNDINGS: dict[str, tuple[str, ...]] = {
    "as they are": (),
    "as a function has them": ("unshare", "--mount", "sh", "-c", HARSH[0], "sh", *HARSH[1].split()),
}


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a shared library whose one function answers 42; it is so large that the first part does not hold it."""
    folder = tmp_path_factory.mktemp("answer")
    (folder / "noise").write_bytes(LARGE)
    source = 'int answer(void) { return 42; }\n__asm__(".section .rodata\\n.incbin \\"noise\\"\\n");\n'
    (folder / "answer.c").write_text(source)
    subprocess.run([*toolchains.cc(), "-shared", "-fPIC", "-o", "libanswer.so", "answer.c"], cwd=folder, check=True)
    return (folder / "libanswer.so").read_bytes()


def _everything(place: Path, answer: bytes) -> Path:
    """Write a tree with whatever a tree can hold, more files in it than one process can lease."""
    small = {f"small/{n % 9}/{n}.txt": f"{n}\n" * (n % 50) for n in range(2_000)}
    large = {f"large/{n}.bin": LARGE[n:] + bytes([n]) for n in range(8)}
    tree = write(place / "tree", {"app.py": LOOK_AT_EVERYTHING, "libanswer.so": answer, "empty": "", **small, **large})
    write(tree, {"large/same.bin": LARGE, "large/twin.bin": LARGE, "bin/tool": "#!/bin/sh\necho tool\n"})
    (tree / "bin/tool").chmod(0o755)
    for name, target in {"link": "large/same.bin", "small/up": "../large", "dangling": "nowhere"}.items():
        (tree / name).symlink_to(target)
    (tree / "no files").mkdir()
    return tree


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
@pytest.mark.parametrize("mode", ["first", LATE, "second"])
def test_an_application_that_looks_at_its_whole_tree_sees_what_it_sees_natively(
    tmp_path: Path, store: ObjectStore, answer: bytes, mode: str, surroundings: str
) -> None:
    if SURROUNDINGS[surroundings] and not MAY_UNSHARE:
        pytest.skip("to take privileges away needs root")
    tree = _everything(tmp_path, answer)
    profile = _recorded(tree, tmp_path, store) if mode == "second" else None
    pointer = release(tree, profile=profile).stored(store)
    if mode != "first":
        store.patience = lambda: time.sleep(0.05)
        store.misbehave = store.late_but_index_and_first
    main = str(tmp_path / "runtime" / "bootstrap.py")
    command = (*SURROUNDINGS[surroundings], str(pythons.runtime()), main) if SURROUNDINGS[surroundings] else ()
    with dropped(pointer, store, tmp_path, runtime=command) as environment:
        through_us = call(environment, {}).answers
        assert reported(environment)["leased"] > 2 * HELD
    with native(tree, tmp_path) as environment:
        assert through_us == call(environment, {}).answers


def _recorded(tree: Path, place: Path, store: ObjectStore) -> Profile | None:
    """Return the profile that a first release leaves."""
    with dropped(release(tree).stored(store), store, place) as environment:
        environment.start()
        return unwrap(environment.run(invocation({}, profile=True), 20).payload).profile


CHOICES = {
    "asks whether a file is there": "CHOICE = 'large' if os.path.exists('model.bin') else 'small'\n",
    "asks for a size": "CHOICE = os.path.getsize('model.bin')\n",
    "asks whether it may read a file": "CHOICE = 'native' if os.access('model.bin', os.R_OK) else 'pure'\n",
    "opens a file and copes": (
        "try:\n    with open('model.bin', 'rb') as file:\n        CHOICE = len(file.read())\n"
        "except OSError:\n    CHOICE = 'fallback'\n"
    ),
    "searches for plugins": "CHOICE = sorted(os.listdir('plugins'))\n",
}


@pytest.mark.parametrize("mode", [LATE, "second"])
@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES.keys())
def test_what_an_import_chooses_by_looking_for_a_file_it_chooses_natively(
    tmp_path: Path, store: ObjectStore, choice: str, mode: str
) -> None:
    """An earlier release read the file in no call that was watched: its profile has it untouched."""
    handler = "def handler(event, context):\n    return CHOICE\n"
    files: dict[str, str | bytes] = {"model.bin": LARGE * 2, "plugins/one.py": "", "plugins/two.py": f"#{LARGE.hex()}"}
    profile = None
    if mode == "second":
        profile = _recorded(write(tmp_path / "tree", {"app.py": f"CHOICE = 0\n{handler}", **files}), tmp_path, store)
        assert profile is not None
        assert "model.bin" in profile.untouched
    tree = write(tmp_path / "tree", {"app.py": f"import os\n{choice}{handler}", **files})
    pointer = release(tree, profile=profile).stored(store)
    store.patience = lambda: time.sleep(0.2)
    store.misbehave = store.late_but_index_and_first
    with native(tree, tmp_path) as environment:
        natively = call(environment, {}).answers
    with dropped(pointer, store, tmp_path) as environment:
        assert call(environment, {}).answers == natively
