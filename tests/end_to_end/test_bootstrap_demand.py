"""No answer contains bytes that have not arrived, whichever process is killed or stopped, and whenever S3 is silent."""

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.aws.profile_request import unwrap
from tests import demand_faults, toolchains
from tests.applications import LARGE, call, dropped, invocation, release, reported, write
from tests.local.waiting import until
from tests.object_store import ObjectStore

APP = """\
import hashlib, subprocess
def handler(event, context):
    if event.get("child"):
        return subprocess.run(["sha256sum", "large.bin"], stdout=subprocess.PIPE, text=True).stdout[:64]
    with open("large.bin", "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
"""
SHIM = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
static int other(int file, int command, void *given) {
  static int (*real)(int, int, ...);
  if (command == F_SETLEASE || command == F_GETLEASE) { %s; }
  if (!real) real = (int (*)(int, int, ...)) dlsym(RTLD_NEXT, "fcntl64");
  return real(file, command, given);
}
#define INSTEAD { va_list rest; va_start(rest, command); void *given = va_arg(rest, void *); va_end(rest); \\
                  return other(file, command, given); }
int fcntl(int file, int command, ...) INSTEAD
int fcntl64(int file, int command, ...) INSTEAD
"""
LEASES = {"are refused": "errno = EINVAL; return -1", "do not hold": "return command == F_SETLEASE ? 0 : F_WRLCK"}


@pytest.fixture(scope="module")
def impatient() -> Iterator[Path]:
    with demand_faults.impatient() as package:
        yield package


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own needs root")
@pytest.mark.parametrize("seed", range(12))
def test_a_start_with_a_fault_at_random_ends_rightly(tmp_path: Path, impatient: Path, seed: int) -> None:
    found = demand_faults.run(seed, tmp_path, impatient)
    assert found.end != "wrong", found
    assert found.again in {None, "right"}, found


@pytest.mark.parametrize("event", [{}, {"child": True}], ids=["itself", "a child"])
def test_who_waits_too_long_is_killed_before_the_kernel_lets_it_in(
    tmp_path: Path, store: ObjectStore, impatient: Path, event: dict[str, bool]
) -> None:
    pointer = release(write(tmp_path / "tree", {"app.py": APP, "large.bin": LARGE * 2})).stored(store)
    store.stall, cold = 60, store.late_but_index_and_first
    store.misbehave = lambda number: "stall" if cold(number) else None
    with dropped(pointer, store, tmp_path, {"LAMBDA_TASK_ROOT": str(impatient)}) as environment:
        assert environment.start().kind == "ready"
        began = time.monotonic()
        assert environment.run(invocation(event), 20).kind == "exited"
        assert demand_faults.WAITED < time.monotonic() - began < demand_faults.WAITED + 5
        assert "has not arrived within" in reported(environment, "release.killed")["problem"]
        store.misbehave = lambda _number: None
        assert call(environment, event).outcomes[-1].kind == "response"


@pytest.mark.parametrize("killed", ["loaders", "one loader"])
def test_when_loaders_are_killed_while_somebody_waits_nothing_is_answered(
    tmp_path: Path, store: ObjectStore, killed: str
) -> None:
    pointer = release(write(tmp_path / "tree", {"app.py": APP, "large.bin": LARGE * 2})).stored(store)
    store.patience = lambda: time.sleep(20)
    store.misbehave = store.late_but_index_and_first
    with dropped(pointer, store, tmp_path) as environment:
        assert environment.start().kind == "ready"
        assert environment.process is not None
        runtime = environment.process.pid
        loaders = [one for one in demand_faults.processes(environment) if one != runtime]
        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(environment.run, invocation({}), 10)
            until(lambda: demand_faults.waits_for_a_lease(runtime))
            chosen = loaders if killed == "loaders" else loaders[-1:]
            for what in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, none can notice the end of another
                for process in chosen:
                    os.kill(process, what)
            assert answered.result().kind == "exited"


def test_a_file_that_somebody_asked_for_before_it_had_arrived_is_hot_the_next_time(
    tmp_path: Path, store: ObjectStore
) -> None:
    asked = tmp_path / "asked"
    app = "import os\ntry:\n    os.open('large.bin', os.O_RDONLY | os.O_NONBLOCK)\nexcept BlockingIOError:\n"
    app += f"    open({str(asked)!r}, 'w').close()\n"
    files: dict[str, str | bytes] = {"app.py": app + "def handler(*_):\n    return 1\n", "large.bin": LARGE * 2}
    pointer = release(write(tmp_path / "tree", files)).stored(store)
    store.patience = lambda: until(asked.exists)
    store.misbehave = store.late_but_index_and_first
    with dropped(pointer, store, tmp_path) as environment:
        assert environment.start().kind == "ready"
        profile = unwrap(environment.run(invocation({}, profile=True), 10).payload).profile
    assert profile is not None
    assert "large.bin" in profile.touched


@pytest.mark.parametrize("leases", LEASES.values(), ids=LEASES.keys())
def test_where_leases_do_not_work_every_file_is_awaited(tmp_path: Path, store: ObjectStore, leases: str) -> None:
    (tmp_path / "shim.c").write_text(SHIM % leases)
    command = [*toolchains.cc(), "-shared", "-fPIC", "-o", str(tmp_path / "shim.so"), str(tmp_path / "shim.c"), "-ldl"]
    subprocess.run(command, check=True)
    pointer = release(write(tmp_path / "tree", {"app.py": APP, "large.bin": LARGE * 2})).stored(store)
    store.patience = lambda: time.sleep(0.3)
    store.misbehave = store.late_but_index_and_first
    with dropped(pointer, store, tmp_path, {"LD_PRELOAD": str(tmp_path / "shim.so")}) as environment:
        assert call(environment, {}).answers == [hashlib.sha256(LARGE * 2).hexdigest()]
        assert reported(environment)["leased"] == 0
