"""Archives of a few hundred bytes, and some large ones, that once took the inspector's memory, time or words."""

import gzip
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from tests.pure.hostile import Member, member, tar_of, zip_of

HANDLER = b"def lambda_handler(event, context): ...\n"
APP = Member(b"lambda_function.py", HANDLER)
GIGABYTE, SECONDS = 2**30, 10


def _release(*members: tuple[str, str]) -> bytes:
    return zip_of(APP, *(Member(name.encode(), text.encode(), method=8) for name, text in members))


TAGS = f"Tag: {'.'.join(['cp313'] * 360)}-{'.'.join(['a'] * 360)}-{'.'.join(['b'] * 360)}\n"
NESTED = "".join(f"{' ' * deep}try:y\n{' ' * deep}finally:\n" for deep in range(20)) + f"{' ' * 20}x=1\n"
INPUTS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "wheel tags that are spelt out": ("zip", lambda: _release(("p-1.dist-info/WHEEL", TAGS))),
    "a dotted key": ("zip", lambda: _release(("dropshift.toml", f"[smoke]\nevent.{'a.' * 24_000}a=1"))),
    "a dotted key in a list": ("zip", lambda: _release(("dropshift.toml", f"schema=[{{{'a.' * 20_000}a=1}}]"))),
    "a source whose bytecode doubles with each level": ("zip", lambda: _release(("never.py", NESTED))),
    "twenty thousand unknown fields": (
        "zip",
        lambda: _release(("dropshift.toml", "".join(f"a{number}=1\n" for number in range(20_000)))),
    ),
    "twelve thousand wheels for Windows": (
        "zip",
        lambda: _release(
            *((f"p{number}-1.dist-info/WHEEL", "Tag: cp313-cp313-win_amd64\n") for number in range(12_000))
        ),
    ),
    "twenty thousand foreign modules": (
        "zip",
        lambda: _release(*((f"p{number}.pyd", "MZ") for number in range(20_000))),
    ),
    "empty zstd frames": ("tar.zst", lambda: zstd.compress(b"") * 2_000_000),
    "empty skippable frames": ("tar.zst", lambda: (b"\x50\x2a\x4d\x18" + bytes(4)) * 2_000_000),
    "gigabytes of padding": (
        "tar.gz",
        lambda: gzip.compress(tar_of(member(b"lambda_function.py", HANDLER)) + bytes(2**27), 1),
    ),
}
ACCEPTED = {"a source whose bytecode doubles with each level", "wheel tags that are spelt out"}


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.mark.parametrize("name", INPUTS)
def test_the_inspection_ends_within_ten_seconds_and_a_gigabyte(name: str, tmp_path: Path) -> None:
    ending, made = INPUTS[name]
    path = tmp_path / f"release.{ending}"
    path.write_bytes(made())
    command = [sys.executable, "-m", "deployer", "inspect", str(path), "--limit", str(2**26)]
    ended = subprocess.run(command, preexec_fn=_confine, capture_output=True, text=True, check=False)
    assert ended.returncode == (name not in ACCEPTED), ended.stderr
    assert len(ended.stderr) < 64 * 1024
    assert ended.stdout.endswith("would go live as: 10 % for 5m, then all traffic\n") == (name in ACCEPTED)
