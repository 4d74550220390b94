"""Cold starts: overlap with the load, hand-over before the init limit, every init type, clear refusals."""

import json
import random
import re
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bootstrap.loader.holder import NUMBER
from bootstrap.pointer import Pointer
from deployer.aws.profile_request import unwrap
from deployer.model.profile import Profile
from tests import applications, demand_faults, pythons
from tests.applications import (
    MAIN,
    call,
    dropped,
    invocation,
    native,
    package,
    release,
    reported,
    without_bytecode,
    write,
)
from tests.local.waiting import until
from tests.object_store import ObjectStore


def test_an_example_a_release_is_loaded_at_a_cold_start_and_answers(tmp_path: Path, store: ObjectStore) -> None:
    """The pattern of all the others: bundle, store, start a function whose pointer names the bundle, call it, look."""
    tree = write(tmp_path / "tree", {"app.py": "def handler(event, context):\n    return event['n'] + 1\n"})
    pointer = release(tree).stored(store)
    with dropped(pointer, store, tmp_path) as environment:
        happened = call(environment, {"n": 1}, {"n": 2})
        loaded = reported(environment)
    assert happened.answers == [2, 3]
    assert loaded["release"] == "release 1"


WEIGHTS = random.Random(4).randbytes(6 << 20)  # noqa: S311 - bytes that do not compress
APP = """\
import time
STARTED = time.time()
import early

def handler(event, context):
    import rare
    with open("weights.bin", "rb") as file:
        return [early.VALUE, rare.VALUE, len(file.read()), STARTED]
"""
LOADS = "import ctypes, os; ctypes.PyDLL(None).open(os.path.abspath('weights.bin').encode(), 0)"
"""Opens in C, and unlike Python's own `open` without letting go of the interpreter's lock."""
FILES: dict[str, str | bytes] = {
    "app.py": APP,
    "early.py": "VALUE = 1\n",
    "rare.py": "VALUE = 2\n",
    "package/__init__.py": "",
    "package/late.py": f"VALUE = 3\n#{WEIGHTS[:700_000].hex()}\n",  # more than the first part takes
    "weights.bin": WEIGHTS,
}
HAND_OVER = {"DROPSHIFT_HAND_OVER": "0.4"}
COLD = ("rare.py", "weights.bin", "package/__init__.py", "package/late.py")
PROFILE = Profile(touched=("app.py", "early.py"), milliseconds=(0, 5), untouched=COLD)


def _cold_waits(store: ObjectStore, condition: Callable[[], bool]) -> None:
    """Let the index and the hot part come at once, all else when the condition holds, or after a minute."""
    store.patience = lambda: _wait_for(condition)
    store.misbehave = store.late_but_index_and_first


def _cold_is_late(store: ObjectStore, seconds: float) -> None:
    """Let what is cold come a while after the rest."""
    store.patience = lambda: time.sleep(seconds)
    store.misbehave = store.late_but_index_and_first


def _late_answer(
    tmp_path: Path, store: ObjectStore, files: dict[str, str | bytes], profile: Profile = PROFILE, seconds: float = 0.3
) -> Any:  # noqa: ANN401 - JSON
    """Return the answer of an application whose cold files come a while after the rest."""
    pointer = without_bytecode(tmp_path / "tree", store, files, profile)
    _cold_is_late(store, seconds)
    with dropped(pointer, store, tmp_path) as environment:
        [answer] = call(environment, {}).answers
    return answer


def _handed_over(pointer: Pointer, store: ObjectStore, tmp_path: Path, *events: object, **variables: str) -> list[Any]:
    """Let what is cold wait until init has been handed over; return the answers to the calls after it."""
    handed_over = threading.Event()
    _cold_waits(store, handed_over.is_set)
    with dropped(pointer, store, tmp_path, HAND_OVER | variables) as environment:
        assert environment.start(8).kind == "ready"
        handed_over.set()
        return [json.loads(environment.run(invocation(event), 60).payload) for event in events]


@pytest.mark.every_python
def test_the_first_call_is_answered_while_what_it_does_not_need_arrives(tmp_path: Path, store: ObjectStore) -> None:
    answered = tmp_path / "answered"
    app = APP.replace("    import rare\n", "").replace("rare.VALUE", "2").replace("file.read()", "b''")
    app = app.replace('open("weights.bin", "rb")', f"open({str(answered)!r}, 'wb')")
    pointer = without_bytecode(tmp_path / "tree", store, {**FILES, "app.py": app}, PROFILE)
    _cold_waits(store, answered.exists)
    with dropped(pointer, store, tmp_path) as environment:
        assert call(environment, {}).answers[0][:3] == [1, 2, 0]
        line = reported(environment)
    assert line["seconds"]["begin"] <= line["seconds"]["import"] <= line["seconds"]["files"] < 60
    assert line["LoadAfterReady"] > 0


def test_whoever_opens_a_file_that_has_not_arrived_waits_for_it(tmp_path: Path, store: ObjectStore) -> None:
    assert _late_answer(tmp_path, store, FILES)[:3] == [1, 2, len(WEIGHTS)]


@pytest.mark.every_python
def test_an_import_that_does_without_what_is_cold_does_not_wait(tmp_path: Path, store: ObjectStore) -> None:
    imported = tmp_path / "imported"
    look = (
        "import early, os, importlib.metadata\nTHING = importlib.metadata.version('thing')\n"
        "SEEN = [os.path.getsize('weights.bin'), sorted(os.listdir('package')), os.access('rare.py', os.R_OK)]\n"
        f"try:\n    import cupy\nexcept ImportError:\n    open({str(imported)!r}, 'w').close()"
    )
    app = APP.replace("import early", look).replace("[early.VALUE,", "[THING, SEEN, early.VALUE,")
    metadata = {"thing-1.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.5\n"}
    pointer = without_bytecode(tmp_path / "tree", store, {**FILES, **metadata, "app.py": app}, PROFILE)
    _cold_waits(store, imported.exists)
    with dropped(pointer, store, tmp_path) as environment:
        [answer] = call(environment, {}).answers
        assert answer[:3] == ["1.5", [len(WEIGHTS), ["__init__.py", "late.py"], True], 1]
        assert reported(environment)["seconds"]["files"] < 60


def test_an_import_of_something_cold_waits_for_it(tmp_path: Path, store: ObjectStore) -> None:
    app = "import package.late\ndef handler(event, context):\n    return package.late.VALUE\n"
    assert _late_answer(tmp_path, store, {**FILES, "app.py": app}) == 3


@pytest.mark.every_python
def test_a_search_for_plugins_finds_those_that_are_still_to_come(tmp_path: Path, store: ObjectStore) -> None:
    app = (
        "import importlib, pkgutil, plugins\n"
        "FOUND = [one.name for one in pkgutil.iter_modules(plugins.__path__)]\n"
        "VALUES = [importlib.import_module(f'plugins.{name}').VALUE for name in FOUND]\n"
        "def handler(event, context):\n    return FOUND, VALUES\n"
    )
    plugins: dict[str, str | bytes] = {f"plugins/{name}.py": f"VALUE = {name!r}\n" for name in ("one", "two")}
    profile = Profile(touched=("app.py", "plugins/__init__.py"), milliseconds=(0, 5), untouched=tuple(plugins))
    files = {"app.py": app, "plugins/__init__.py": "", **plugins}
    assert _late_answer(tmp_path, store, files, profile) == [["one", "two"]] * 2


@pytest.mark.every_python
def test_a_child_that_the_application_forks_while_it_imports_waits_by_itself(
    tmp_path: Path, store: ObjectStore
) -> None:
    app = (
        "import os\nheard, told = os.pipe()\nif not os.fork():\n    import package.late\n"
        "    os.write(told, str(package.late.VALUE).encode())\n    os._exit(0)\n"
        "import package.late\nos.wait()\n"
        "def handler(event, context):\n    return os.read(heard, 9).decode(), package.late.VALUE\n"
    )
    assert _late_answer(tmp_path, store, {**FILES, "app.py": app}, seconds=0.2) == ["3", 3]


@pytest.mark.every_python
def test_threads_that_import_at_once_wait_side_by_side(tmp_path: Path, store: ObjectStore) -> None:
    names = [f"late_{number}" for number in range(20)]
    app = (
        "from concurrent.futures import ThreadPoolExecutor\nfrom importlib import import_module\n"
        f"NAMES = {[f'package.{name}' for name in names]!r}\n"
        "with ThreadPoolExecutor(8) as pool:\n    VALUES = [one.VALUE for one in pool.map(import_module, NAMES)]\n"
        "def handler(event, context):\n    return VALUES\n"
    )
    late: dict[str, str | bytes] = {
        f"package/{name}.py": f"VALUE = {number}\n#{WEIGHTS[number << 16 : (number + 1) << 16].hex()}"
        for number, name in enumerate(names)
    }
    profile = Profile(touched=("app.py", "package/__init__.py"), milliseconds=(0, 5), untouched=tuple(late))
    files = {"app.py": app, "package/__init__.py": "", **late}
    assert _late_answer(tmp_path, store, files, profile, seconds=0.05) == list(range(20))


@pytest.mark.every_python
def test_a_failing_import_is_reported_as_natively_even_when_it_overlapped(tmp_path: Path, store: ObjectStore) -> None:
    files = {**FILES, "app.py": "import early\nraise ValueError('the application is broken')\n"}
    pointer = without_bytecode(tmp_path / "tree", store, files, PROFILE)
    _cold_is_late(store, 0.3)
    with dropped(pointer, store, tmp_path) as environment:
        [through_us] = call(environment).answers
    with native(tmp_path / "tree", tmp_path) as environment:
        [natively] = call(environment).answers
    assert through_us["errorMessage"] == natively["errorMessage"] == "the application is broken"
    assert len(through_us["stackTrace"]) == len(natively["stackTrace"])


@pytest.mark.every_python
def test_the_smoke_test_brings_home_what_the_start_touched(tmp_path: Path, store: ObjectStore) -> None:
    app = "import early, os\nopen('read.txt').read()\nos.listdir('data')\ndef handler(*given):\n    return given[0]\n"
    files = {**FILES, "app.py": app, "read.txt": "x", "data/listed.html": "y", "other/not.html": "z"}
    pointer = without_bytecode(tmp_path / "tree", store, files, None)
    with dropped(pointer, store, tmp_path) as environment:
        environment.start()
        answer = environment.run(invocation({"a": [1]}, profile=True), 5)
        plain = environment.run(invocation({"a": [2]}, profile=True), 5)
    recorded = unwrap(answer.payload)
    assert json.loads(recorded.response) == {"a": [1]}
    assert json.loads(plain.payload) == {"a": [2]}
    assert recorded.profile is not None
    assert set(recorded.profile.touched) == {"app.py", "early.py", "read.txt"}
    assert set(recorded.profile.untouched) == {*COLD, "data/listed.html", "other/not.html"}


def test_the_recorded_profile_serves_the_next_release(tmp_path: Path, store: ObjectStore) -> None:
    tree = write(tmp_path / "tree", FILES)
    with dropped(release(tree).stored(store), store, tmp_path) as environment:
        environment.start()
        profile = unwrap(environment.run(invocation({}, profile=True), 5).payload).profile
    assert profile is not None
    assert "early.py" in profile.untouched, "its bytecode was read instead"
    pointer = release(tree, profile=profile).stored(store)
    store.requests.clear()
    with dropped(pointer, store, tmp_path) as environment:
        assert call(environment, {}).answers[0][:3] == [1, 2, len(WEIGHTS)]


@pytest.mark.every_python
def test_init_is_handed_over_before_it_is_cut(tmp_path: Path, store: ObjectStore) -> None:
    answers = _handed_over(without_bytecode(tmp_path / "tree", store, FILES, None), store, tmp_path, {}, {})
    assert [answer[:3] for answer in answers] == [[1, 2, len(WEIGHTS)]] * 2


def test_a_slow_import_is_handed_over_though_every_file_was_there(tmp_path: Path, store: ObjectStore) -> None:
    done = tmp_path / "done"
    app = (
        "import itertools, os\n"
        f"for number in itertools.takewhile(lambda _: not os.path.exists({str(done)!r}), itertools.count()):\n"
        "    try:\n"
        "        __import__(f'nothing_{number}')\n"
        "    except ImportError:\n"
        "        pass\n"
        "def handler(event, context):\n"
        "    return event\n"
    )
    pointer = without_bytecode(tmp_path / "tree", store, {**FILES, "app.py": app}, None)
    with dropped(pointer, store, tmp_path, HAND_OVER) as environment:
        done.touch()
        assert call(environment, [1]).answers == [[1]]
        done.unlink()
        assert environment.start(8).kind == "ready", "all files are in place, and the import goes on"
        done.touch()
        assert json.loads(environment.run(invocation([2]), 60).payload) == [2]


@pytest.mark.parametrize("kind", ["provisioned-concurrency", "lambda-managed-instances"])
def test_other_init_types_load_everything_during_init(tmp_path: Path, store: ObjectStore, kind: str) -> None:
    pointer = without_bytecode(tmp_path / "tree", store, FILES, PROFILE)
    _cold_is_late(store, 0.6)
    variables = {"DROPSHIFT_HAND_OVER": "0.1", "AWS_LAMBDA_INITIALIZATION_TYPE": kind}
    with dropped(pointer, store, tmp_path, variables) as environment:
        environment.start(10)
        assert list(tmp_path.glob("*/tmp/dropshift/*.complete"))
        happened = call(environment, {})
    assert happened.answers[0][:3] == [1, 2, len(WEIGHTS)]


@pytest.mark.every_python
@pytest.mark.parametrize("waits", ["import package.late", "open('weights.bin').close()", LOADS])
def test_an_import_that_waits_in_the_kernel_is_handed_over_too(tmp_path: Path, store: ObjectStore, waits: str) -> None:
    pointer = without_bytecode(tmp_path / "tree", store, {**FILES, "app.py": f"{waits}\n{APP}"}, PROFILE)
    answers = _handed_over(pointer, store, tmp_path, {}, {})
    assert [answer[:3] for answer in answers] == [[1, 2, len(WEIGHTS)]] * 2


def _fails_once(store: ObjectStore, begun: Callable[[], bool]) -> None:
    """Refuse all but the index and the first part, as soon as `begun` is true."""
    cold = store.late_but_index_and_first
    store.misbehave = lambda number: "404" if cold(number) and _wait_for(begun) else None


def test_a_load_that_fails_while_the_import_waits_is_the_inits_error(tmp_path: Path, store: ObjectStore) -> None:
    begun = tmp_path / "begun"
    app = f"open({str(begun)!r}, 'w').close()\nopen('weights.bin').close()\n{APP}"
    pointer = without_bytecode(tmp_path / "tree", store, {**FILES, "app.py": app}, PROFILE)
    _fails_once(store, begun.exists)
    with dropped(pointer, store, tmp_path) as environment:
        [error] = call(environment).answers
        assert error["errorType"] == "Dropshift.Missing"
        assert reported(environment, "release.killed")["LoadKills"] == 1
        store.misbehave = lambda _number: None
        assert call(environment, {}).answers[0][:3] == [1, 2, len(WEIGHTS)]


def test_a_load_that_fails_while_the_import_waits_answers_the_invocation(tmp_path: Path, store: ObjectStore) -> None:
    pointer = without_bytecode(
        tmp_path / "tree", store, {**FILES, "app.py": f"open('weights.bin').close()\n{APP}"}, PROFILE
    )
    handed_over = threading.Event()
    _fails_once(store, handed_over.is_set)
    with (
        dropped(pointer, store, tmp_path, HAND_OVER) as environment,
        ThreadPoolExecutor(1) as pool,
    ):
        assert environment.start(8).kind == "ready"
        assert environment.process is not None
        runtime = environment.process.pid
        until(lambda: demand_faults.waits_for_a_lease(runtime))
        count = len(demand_faults.processes(environment))
        answered = pool.submit(environment.run, invocation({}), 10)
        until(lambda: len(demand_faults.processes(environment)) < count)  # who took the invocation has passed it on
        handed_over.set()
        outcome = answered.result()
    assert (outcome.kind, json.loads(outcome.payload)["errorType"]) == ("error", "Dropshift.Missing")


def test_a_load_that_fails_while_nobody_waits_ends_the_process_after_its_answer(
    tmp_path: Path, store: ObjectStore
) -> None:
    app = "import early\ndef handler(event, context):\n    return early.VALUE\n"
    pointer = without_bytecode(tmp_path / "tree", store, {**FILES, "app.py": app}, PROFILE)
    started = threading.Event()
    _fails_once(store, started.is_set)
    with dropped(pointer, store, tmp_path) as environment:
        assert call(environment, {}).answers == [1]
        started.set()
        assert reported(environment, "release.not_loaded")["kind"] == "Missing"
        assert environment.process is not None
        assert environment.process.wait(5) == 1


def test_an_import_error_after_the_hand_over_answers_the_invocation_and_ends_the_process(
    tmp_path: Path, store: ObjectStore
) -> None:
    app = "import package.late\nraise ValueError('broken')\n"
    pointer = without_bytecode(tmp_path / "tree", store, {**FILES, "app.py": app}, PROFILE)
    _cold_is_late(store, 1.0)
    with dropped(pointer, store, tmp_path, {"DROPSHIFT_HAND_OVER": "0.3"}) as environment:
        happened = call(environment, {})
        assert environment.process is not None
        assert environment.process.wait(5) == 1
    [error] = happened.answers
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "broken")
    assert error["stackTrace"][-1].endswith("raise ValueError('broken')\n")


@pytest.mark.every_python
def test_a_release_with_libraries_starts_again_after_the_hand_over_with_the_invocation_in_hand(
    tmp_path: Path, store: ObjectStore
) -> None:
    app = "import os\ndef handler(event, context):\n    return [event, os.environ['LD_LIBRARY_PATH']]\n"
    files: dict[str, str | bytes] = {"app.py": app, "lib/libown.so.1": "x", "weights.bin": WEIGHTS}
    pointer, libraries = without_bytecode(tmp_path / "tree", store, files, None), f"/opt/lib:{package()}/lib"
    answers = _handed_over(pointer, store, tmp_path, {"é": 0}, {"é": 1}, LD_LIBRARY_PATH=libraries)
    assert [event for event, _ in answers] == [{"é": 0}, {"é": 1}]
    [path] = {path for _, path in answers}
    assert re.fullmatch(rf"/opt/lib:{tmp_path}/[-0-9a-f]+/tmp/dropshift/{pointer.sha256[:32]}/lib", path)


def test_an_init_that_was_cut_goes_on_where_it_stood(tmp_path: Path, store: ObjectStore) -> None:
    pointer = without_bytecode(
        tmp_path / "tree", store, {**FILES, "app.py": f"open('weights.bin').close()\n{APP}"}, None
    )
    store.stall = 30
    store.misbehave = lambda number: "stall" if number > 5 else None
    with (
        dropped(pointer, store, tmp_path, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}) as environment,
        ThreadPoolExecutor(1) as pool,
    ):
        cut = pool.submit(environment.start, 60)
        until(lambda: _parts_in_place(tmp_path) >= 3)  # of the four that were served; a file's first one comes again
        environment.stop()
        assert cut.result().kind == "exited"
        store.misbehave = lambda _number: None
        assert call(environment, {}).answers[0][:3] == [1, 2, len(WEIGHTS)]
        assert 0 < reported(environment)["LoadedBytes"] < pointer.offset


def _parts_in_place(folder: Path) -> int:
    """Return how many parts the journal of the only load below a folder names."""
    return sum(path.stat().st_size for path in folder.glob("*/tmp/dropshift/*.journal")) // NUMBER.size


def test_a_process_that_waited_for_a_killed_loader_loads_itself(tmp_path: Path, store: ObjectStore) -> None:
    pointer = without_bytecode(tmp_path / "tree", store, FILES, PROFILE)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    variables = {"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances", "TMPDIR": str(tmp_path / "shared")}
    _cold_waits(store, lambda: False)
    with ExitStack() as alive, ThreadPoolExecutor(2) as pool:
        first, second = (alive.enter_context(dropped(pointer, store, tmp_path, variables)) for _ in range(2))
        doomed = pool.submit(call, first, {})
        until(lambda: len(store.requests) >= 3)
        waiting = pool.submit(call, second, {})
        store.misbehave = lambda _number: None
        first.stop()
        assert waiting.result().answers[0][:3] == [1, 2, len(WEIGHTS)]
        assert doomed.result().answers == []


def test_a_call_that_overruns_is_cut_and_the_next_start_finds_everything_in_place(
    tmp_path: Path, store: ObjectStore
) -> None:
    app = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'in time'\n"
    tree = write(tmp_path / "tree", {**FILES, "app.py": app})
    pointer = release(tree).stored(store)  # with bytecode: Python's own would be a change after the load
    with dropped(pointer, store, tmp_path) as environment:
        assert environment.start().kind == "ready"
        until(lambda: [*tmp_path.glob("*/tmp/dropshift/*.complete")])  # a start is ready before every file is in place
        cut = environment.run(invocation(60), 0.5)
        assert json.loads(cut.payload)["errorType"] == "Sandbox.Timedout"
        asked = len(store.requests)
        assert call(environment, 0).answers == ["in time"]
    assert len(store.requests) == asked


def test_a_start_that_begins_anew_still_frames_its_log_as_lambda_reads_it(tmp_path: Path, store: ObjectStore) -> None:
    app = "import logging\ndef handler(event, context):\n    logging.error('in a frame')\n"
    files: dict[str, str | bytes] = {"app.py": app, "lib/libown.so.1": "x"}
    variables = {"_LAMBDA_TELEMETRY_LOG_FD": "1", "LD_LIBRARY_PATH": f"{package()}/lib"}
    with dropped(without_bytecode(tmp_path / "tree", store, files, None), store, tmp_path, variables) as environment:
        output = call(environment, {}).output
    assert re.search(r"Z\x00\S?.{1,24}\[ERROR\]\t\S+\t\S+\tin a frame", output, re.DOTALL), output


def test_a_command_is_handed_over_too(tmp_path: Path, store: ObjectStore) -> None:
    tree = write(tmp_path / "tree", {**FILES, "main.py": "print(len(open('weights.bin', 'rb').read()))\n"})
    pointer = release(tree, kind="command", handler=None, command=("python3", "main.py")).stored(store)
    assert _handed_over(pointer, store, tmp_path, {}, {}) == [len(WEIGHTS)] * 2


def test_without_a_pointer_every_call_says_that_there_is_no_release_yet(tmp_path: Path, store: ObjectStore) -> None:
    variables = {"DROPSHIFT_RELEASES": "s3://releases/hello/"}
    with dropped(None, store, tmp_path, variables) as environment:
        happened = call(environment, {}, {})
    assert [one.kind for one in happened.outcomes] == ["ready", "error", "error"]
    for answer in happened.answers:
        assert answer["errorType"] == "Dropshift.NoRelease"
        assert answer["errorMessage"] == "no release yet: drop an archive at s3://releases/hello/<release>.zip"


def test_a_damaged_pointer_is_one_clear_line(tmp_path: Path, store: ObjectStore) -> None:
    with dropped(None, store, tmp_path, {"DROPSHIFT_POINTER": "{}"}) as environment:
        [error] = call(environment).answers
    assert error["errorType"] == "Dropshift.Pointer"
    assert error["errorMessage"].startswith("DROPSHIFT_POINTER has missing or unknown fields: bucket, command")


@pytest.mark.every_python
@pytest.mark.parametrize("runtime", [*(f"python{one}" for one in pythons.served()), "nodejs24.x"])
def test_a_package_of_another_runtime_says_so_in_one_clear_line(
    tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    pointer = release(write(tmp_path / "tree", FILES)).stored(store)
    others = shutil.copytree(package(runtime), tmp_path / "package")  # this Python leaves its bytecode in it
    monkeypatch.setattr(applications, "package", lambda _its_own: others)
    with dropped(pointer, store, tmp_path) as environment:
        happened = call(environment)
    if runtime == f"python{pythons.VERSION}":
        assert [one.kind for one in happened.outcomes] == ["ready"]
        return
    [error] = happened.answers
    assert error["errorType"] == "Dropshift.Package"
    assert error["errorMessage"].startswith(f"this package was not built for python{pythons.VERSION}: ")
    assert "\n" not in error["errorMessage"]


@pytest.mark.every_python
@pytest.mark.skipif(pythons.number(pythons.VERSION) < (3, 14), reason="its package brings zstd along")
def test_a_runtime_version_without_zstd_is_named_with_the_way_out(tmp_path: Path, store: ObjectStore) -> None:
    pointer = release(write(tmp_path / "tree", FILES)).stored(store)
    main = "import sys\nsys.modules['_zstd'] = None\n" + MAIN.partition('"""\n')[2]
    with dropped(pointer, store, tmp_path, main=main) as environment:
        happened = call(environment)
    [error] = happened.answers
    assert error["errorType"] == "Dropshift.Zstd"
    assert error["errorMessage"].endswith("has it from its version v32 on: set the function's UpdateRuntimeOn to Auto")


@pytest.mark.every_python
def test_a_load_that_fails_is_the_inits_error_in_one_line(tmp_path: Path, store: ObjectStore) -> None:
    pointer = without_bytecode(tmp_path / "tree", store, FILES, None)
    store.misbehave = lambda _number: "403"
    with dropped(pointer, store, tmp_path) as environment:
        happened = call(environment)
    [error] = happened.answers
    assert error["errorType"] == "Dropshift.AccessDenied"
    assert error["stackTrace"] == []
    assert "\n" not in error["errorMessage"]
    [line] = [json.loads(one) for one in happened.output.splitlines() if '"release.not_loaded"' in one]
    assert (line["kind"], line["LoadFailures"]) == ("AccessDenied", 1)
    assert f"{pointer.key}, version {pointer.version}" in str(line["problem"])


def test_a_load_writes_one_line_that_is_also_a_metric(tmp_path: Path, store: ObjectStore) -> None:
    pointer = without_bytecode(tmp_path / "tree", store, FILES, None)
    store.misbehave = lambda number: "503" if number == 2 else None
    with dropped(pointer, store, tmp_path) as environment:
        call(environment)
        line = reported(environment)
    assert line["release"] == "release 1"
    assert (line["LoadRetries"], line["LoadFailures"], line["LoadKills"]) == (1, 0, 0)
    assert line["LoadedBytes"] == pointer.offset - 8
    assert line["init_type"] == "on-demand"
    metrics = line["_aws"]
    assert isinstance(metrics, dict)
    [directive] = metrics["CloudWatchMetrics"]
    assert all(metric["Name"] in line for metric in directive["Metrics"])


def _wait_for(condition: Callable[[], bool]) -> bool:
    """Return true when the condition holds, or after a minute."""
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return True
