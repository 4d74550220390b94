"""Hostile bytes are parsed by a process with limits, which cannot keep the inspection from ending."""

import ctypes
import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer import sandbox
from deployer.bundle import BuildOptions, build
from deployer.inspection import archive
from deployer.inspection.inspect import inspect_archive
from deployer.sandbox import host, process
from deployer.sandbox.jobs import Allowance
from tests.pure.compatibility_cases import PYTHON
from tests.pure.hostile import Member, Memory, zip_of

ROOT = Path(__file__).parents[2]
APP = zip_of(
    Member(b"lambda_function.py", b"def lambda_handler(e, c): ...\n"), Member(b"data", bytes(700_000), method=8)
)
LIMITS = sandbox.Limits(unpacked=2**24)
TIGHT = Allowance(memory=256, processor=1, seconds=200, file=2**20)
BAD = {
    "memory": "inspection needed more than 256 MB of memory; allowed: at most 256 MB",
    "processor": "inspection needed more than 1 s of processor time",
    "clock": "inspection took more than 3 s",
    "file": "OSError in",
    "recursion": "inspection ended with RecursionError in _recursion, line",
    "crash": "inspection was ended by SIGSEGV",
    "killed": "inspection was ended by SIGKILL",
    "gone": "inspection was ended by exit status 3",
    "rubbish": "an answer that cannot be read",
    "unknown message": "inspection was ended by SIGKILL",
    "hands out": "inspection was ended by SIGKILL",
    "out of range": f"{len(APP)} of {len(APP)}",
    "lie": "an answer about other bytes than the archive's",
}


@pytest.fixture
def source() -> Memory:
    return Memory("release.zip", APP)


def _bad(monkeypatch: pytest.MonkeyPatch, how: str, allowance: Allowance = TIGHT) -> None:
    monkeypatch.setattr(process, "_COMMAND", (sys.executable, "-P", "-m", "tests.pure.bad_guests", how))
    monkeypatch.setattr(host, "for_inspection", lambda _: allowance)
    monkeypatch.setattr(process, "_LAST_WORDS", 0.1)


def test_a_guest_gives_the_answer_that_the_inspection_gives(source: Memory) -> None:
    assert sandbox.inspect(source, LIMITS, PYTHON) == inspect_archive(source, LIMITS, PYTHON)
    broken = Memory("release.zip", APP[:-9])
    assert sandbox.inspect(broken, LIMITS, PYTHON) == inspect_archive(broken, LIMITS, PYTHON)


def test_a_guest_makes_the_bundle_that_the_builder_makes(source: Memory, tmp_path: Path) -> None:
    contents = archive.unpack(source, tmp_path, LIMITS)
    assert isinstance(contents, archive.Contents)
    plan, by_hand, written = BuildOptions(python=(3, 13)), io.BytesIO(), io.BytesIO()
    wanted = build(tmp_path, contents.entries, by_hand.write, plan)
    with sandbox.workspace() as tree:
        assert sandbox.build(source, contents.sha256, LIMITS, plan, tree, sandbox.Output(written.write)) == wanted
    assert written.getvalue() == by_hand.getvalue()


def test_bytes_that_were_not_inspected_are_not_bundled(source: Memory) -> None:
    with sandbox.workspace() as tree, pytest.raises(RuntimeError, match="not the one that was inspected"):
        sandbox.build(source, "0" * 64, LIMITS, BuildOptions(python=None), tree, sandbox.Output(len))


@pytest.mark.parametrize("how", BAD)
def test_whatever_becomes_of_a_guest_is_a_refusal_in_a_sentence(
    how: str, source: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bad(monkeypatch, how, TIGHT.model_copy(update={"seconds": 3}) if how == "clock" else TIGHT)
    refusal = sandbox.inspect(source, LIMITS, PYTHON)
    assert isinstance(refusal, sandbox.Refusal)
    (problem,) = refusal.problems
    assert BAD[how] in str(problem)
    assert str(problem).isprintable()


def test_a_guest_gets_no_variable_that_could_be_a_secret(source: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    _bad(monkeypatch, "environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/var/lang/lib")
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    refusal = sandbox.inspect(source, LIMITS, PYTHON)
    assert isinstance(refusal, sandbox.Refusal)
    names = set(refusal.problems[0].found.rpartition(" ")[2].split(","))
    assert {"LD_LIBRARY_PATH", "TMPDIR"} <= names
    assert names <= {"LD_LIBRARY_PATH", "TMPDIR", "PYTHONPATH", "MALLOC_ARENA_MAX", "LC_CTYPE"}


_NEIGHBOUR = """
import sys
from deployer import sandbox
from deployer.sandbox import process
from tests.pure.compatibility_cases import PYTHON
from tests.pure.hostile import Memory
process._COMMAND = (sys.executable, "-P", "-m", "tests.pure.bad_guests", "neighbour")
for _ in range(2):
    print(sandbox.inspect(Memory("release.zip", b"PK"), sandbox.Limits(unpacked=2**24), PYTHON).problems[0].found)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_guest_sees_nothing_of_the_process_that_started_it() -> None:
    """Without capabilities, root is a user like any other: the kernel asks for the same user, and for dumpable."""

    def drop_capabilities() -> None:
        prctl = ctypes.CDLL(None).prctl
        for capability in range(64):
            prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; fails beyond the last one, and for who has none

    command = [sys.executable, "-c", _NEIGHBOUR]
    secret = {**os.environ, "AWS_SECRET_ACCESS_KEY": "secret"}
    ran = subprocess.run(
        command, env=secret, preexec_fn=drop_capabilities, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert [line.rpartition("seen: ")[2] for line in ran.stdout.splitlines()] == ["[]", "[]"]


def test_a_guest_that_does_not_even_start_is_an_error_of_ours(source: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_COMMAND", (sys.executable, "-c", "import sys; sys.exit(3)"))
    with pytest.raises(process.NotStartedError, match="ended with 3"):
        sandbox.inspect(source, LIMITS, PYTHON)


class _Failing(Memory):
    def stream(self) -> Iterator[bytes]:
        yield b"P"
        raise ConnectionAbortedError("S3 went away")


def test_an_error_of_the_source_is_one_and_the_guest_does_not_outlive_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, **more)  # type: ignore[call-overload] # as it was called
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    with pytest.raises(ConnectionAbortedError):
        sandbox.inspect(_Failing("release.zip", APP), LIMITS, PYTHON)
    assert [guest.returncode for guest in started] == [-signal.SIGKILL]


@contextmanager
def _holding_a_workspace(directory: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    code = (
        "import sys, time; from deployer import sandbox\n"
        "with sandbox.workspace() as tree:\n"
        "    (tree / 'large').write_bytes(bytes(9)); print(tree, flush=True); sys.stdin.read()"
    )
    variables = {**os.environ, "TMPDIR": str(directory)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, env=variables, **pipes) as process:  # type: ignore[call-overload] # pipes
        assert process.stdout
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_what_a_killed_process_left_is_removed_when_the_next_begins_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "dropshift").mkdir()
    with _holding_a_workspace(tmp_path) as (killed, left), _holding_a_workspace(tmp_path) as (_, used):
        killed.kill()
        killed.wait()
        assert left.is_dir()
        with sandbox.workspace() as mine:
            assert not left.exists()
            assert used.is_dir()
            assert mine.is_dir()
        assert {path.name for path in tmp_path.iterdir()} == {"dropshift", used.parent.name}
