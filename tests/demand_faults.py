"""Cold starts that load on demand, each with a fault at random: python -m tests.demand_faults --runs 500 [--stops 40].

Every run ends in the right answer, a clear error, or a killed environment that starts again rightly. `--stops` adds
runs in which every process is stopped for 60 s while somebody waits for a file: the kernel lets an opener in after 45.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from tests import pythons
from tests.applications import Release, dropped, invocation, package, release, write
from tests.local.environments import Environment
from tests.local.runtime_api import Outcome
from tests.object_store import Fault, ObjectStore, serving

type End = Literal["right", "error", "killed", "wrong"]
LARGE = 8
NOISE = random.Random(11).randbytes(LARGE << 20)  # noqa: S311 - bytes that do not compress
APP = """\
import hashlib, json, os, subprocess, threading

def digest(name):
    with open(name, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()

PLAN = json.load(open("plan.json"))
FOUND = {name: digest(name) for name in PLAN["import"]}
THREADS = [threading.Thread(target=digest, args=(name,), daemon=True) for name in PLAN["behind"]]
[one.start() for one in THREADS]

def handler(event, context):
    found = FOUND | {name: digest(name) for name in PLAN["call"]}
    for name in PLAN["child"]:
        found[name] = subprocess.run(["sha256sum", name], stdout=subprocess.PIPE, text=True).stdout[:64]
    return found
"""
WAITED = 1.5
"""Seconds that an opener may wait here, so that a store which is gone for good is noticed soon."""
STOPPED = 60.0
FAULTS: tuple[Fault, ...] = ("503", "500", "reset", "stall", "short", "corrupt", "garbage")
KINDS = ("kill", "kill", "kill all loaders", "stop", "store", "store", "gone", "full", "none")


class Run(NamedTuple):
    """The events of one run."""

    seed: int
    fault: str
    end: End
    again: End | None
    """The end of the next start of a killed environment."""
    outcomes: list[str]


@contextmanager
def impatient() -> Iterator[Path]:
    """Make a package whose loader lets nobody wait for long."""
    with tempfile.TemporaryDirectory(prefix="impatient-") as folder:
        target = Path(folder) / "package"
        shutil.copytree(package(), target)
        source = (Path(__file__).parents[1] / "bootstrap/loader/lease.py").read_text()
        shorter = re.sub(r"^WAITED = .*$", f"WAITED = {WAITED}", source, flags=re.MULTILINE)
        (Path(folder) / "lease.py").write_text(shorter)
        command = [
            str(pythons.runtime()),
            "-c",
            "import py_compile, sys; py_compile.compile(*sys.argv[1:], doraise=True)",
        ]
        subprocess.run([*command, f"{folder}/lease.py", str(target / "_dropshift/loader/lease.pyc")], check=True)
        yield target


def run(seed: int, root: Path, package: Path, *, stop: bool = False) -> Run:
    """Start once with the fault that `seed` stands for; with `stop`, stop everything for a minute."""
    chance = random.Random(seed)  # noqa: S311 - faults by chance, not secrets
    fault = "stop for a minute" if stop else chance.choice(KINDS)
    tree, made = _application(root / "tree", chance, stop=stop)
    with serving(ObjectStore(stall=2.0)) as store:
        store.patience = lambda: time.sleep(chance.uniform(0, 0.3))
        store.misbehave = _misbehaviour(fault, chance, store)
        pointer = made.stored(store)
        variables = {"LAMBDA_TASK_ROOT": str(package), **({} if fault != "full" else {"TMPDIR": str(_small(root))})}
        try:
            with dropped(pointer, store, root, variables) as environment:
                return _judged(seed, fault, chance, (environment, store, tree))
        finally:
            if fault == "full":
                subprocess.run(["umount", "-l", root / "small"], check=True)


def _application(tree: Path, chance: random.Random, *, stop: bool) -> tuple[Path, Release]:
    names = [f"large_{n}.bin" for n in range(LARGE)]
    plan = {moment: chance.sample(names, chance.randrange(3)) for moment in ("import", "behind", "call", "child")}
    if stop:
        plan |= {"import": [], "call": names[-1:]}
    files: dict[str, str | bytes] = {name: NOISE[n << 20 : (n + 1) << 20] for n, name in enumerate(names)}
    small = {f"small/{n}.txt": f"{n}\n" * n for n in range(40)}
    write(tree, {"app.py": APP, "plan.json": json.dumps(plan), **small, **files})
    return tree, release(tree)


def _misbehaviour(fault: str, chance: random.Random, store: ObjectStore) -> Callable[[int], Fault | None]:
    first = chance.randrange(3, 9)

    def misbehave(number: int) -> Fault | None:
        if fault == "store" and chance.random() < 0.3:
            return chance.choice(FAULTS)
        if fault == "gone" and number >= first:
            return "404" if chance.random() < 0.5 else "stall"
        return store.late_but_index_and_first(number)

    return misbehave


def _small(root: Path) -> Path:
    """Mount a file system that the release fits on, but hardly."""
    (root / "small").mkdir()
    size = f"size={random.Random(str(root)).randrange(8, 14)}m"  # noqa: S311 - as above
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", root / "small"], check=True)
    return root / "small"


def _judged(seed: int, fault: str, chance: random.Random, place: tuple[Environment, ObjectStore, Path]) -> Run:
    environment, store, tree = place
    with ThreadPoolExecutor(1) as pool:
        striking = pool.submit(_strike, fault, chance, environment)
        outcomes = _driven(environment, 150 if fault == "stop for a minute" else 40)
        striking.result()
    end, again = _end(outcomes, tree), None
    if end == "killed":
        store.misbehave = lambda _number: None
        more = _driven(environment, 40)
        again = _end(more, tree)
        outcomes += more
    return Run(seed, fault, end, again, [f"{one.kind}: {one.payload[:200].decode()}" for one in outcomes])


def _driven(environment: Environment, limit: float) -> list[Outcome]:
    outcomes = [environment.start(limit)]
    for _ in range(2):
        if environment.alive and outcomes[-1].kind in ("ready", "response"):
            outcomes.append(environment.run(invocation({}), limit))
    return outcomes


def _end(outcomes: list[Outcome], tree: Path) -> End:
    for one in outcomes:
        if one.kind == "response" and not _right(json.loads(one.payload), tree):
            return "wrong"
        if one.kind in ("error", "init-error"):
            return "error" if json.loads(one.payload)["errorType"].startswith("Dropshift.") else "wrong"
        if one.kind == "exited":
            return "killed"
    return "right"


def _right(found: dict[str, str], tree: Path) -> bool:
    return all(hashlib.sha256((tree / name).read_bytes()).hexdigest() == digest for name, digest in found.items())


def _strike(fault: str, chance: random.Random, environment: Environment) -> None:
    """Kill or stop some or all processes of the environment at some moment."""
    time.sleep(chance.uniform(0.1, 1.2))
    struck = processes(environment)
    runtime = environment.process.pid if environment.process else 0
    if fault == "kill":
        _signal([one for one in struck if chance.random() < 0.4], signal.SIGKILL)
    elif fault == "kill all loaders":
        _signal([one for one in struck if one != runtime], signal.SIGKILL)
    elif fault.startswith("stop"):
        chance.shuffle(struck)
        _signal(struck, signal.SIGSTOP)
        time.sleep(STOPPED if fault == "stop for a minute" else chance.uniform(0.1, 2 * WAITED))
        chance.shuffle(struck)
        _signal(struck, signal.SIGCONT)


def _signal(processes: list[int], what: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, what)


def processes(environment: Environment) -> list[int]:
    """Return every process of an environment: all of them have its address of the Runtime API."""
    runtime = environment.process
    mine = [one for one in _environ(runtime.pid) if one.startswith(b"AWS_LAMBDA_RUNTIME_API=")] if runtime else []
    if not mine:
        return []
    numbers = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return [pid for pid in numbers if pid != os.getpid() and mine[0] in _environ(pid)]


def waits_for_a_lease(pid: int) -> bool:
    """Return whether a process waits for somebody to let go of a file; proc(5), /proc/locks."""
    rows = (row.split() for row in Path("/proc/locks").read_text().splitlines() if "BREAKER" in row)
    return any(str(pid) in row for row in rows)


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def main() -> None:
    """Run as many as asked for, print how they ended, and fail when one ended wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--stops", type=int, default=0)
    parser.add_argument("--together", type=int, default=4)
    asked = parser.parse_args()
    with impatient() as impatient_package, ThreadPoolExecutor(asked.together) as pool:
        found = list(pool.map(lambda seed: _in_a_folder(seed, impatient_package), range(asked.runs)))
    usual = package()
    with ThreadPoolExecutor(max(1, asked.stops)) as pool:
        found += pool.map(lambda seed: _in_a_folder(seed, usual, stop=True), range(asked.stops))
    for (fault, end, again), count in sorted(Counter((one.fault, one.end, one.again or "") for one in found).items()):
        print(f"{fault:18} {end:6} {again:6} {count:5}")
    wrong = [one for one in found if one.end == "wrong" or one.again not in (None, "right")]
    for one in wrong:
        print(one)
    sys.exit(bool(wrong))


def _in_a_folder(seed: int, package: Path, *, stop: bool = False) -> Run:
    with tempfile.TemporaryDirectory(prefix="demand-faults-") as folder:
        return run(seed, Path(folder), package, stop=stop)


if __name__ == "__main__":
    main()
