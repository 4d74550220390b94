"""Whether a release has the room and the time it needs, and fits what its manifest says."""

import os
from contextlib import closing
from pathlib import Path

from deployer.inspection.archive import Contents, Limits
from deployer.inspection.compatibility import Accepted, Probe, check_compatibility
from deployer.inspection.inspect import inspect_archive
from deployer.model.inspection import Inspection
from deployer.model.manifest import Manifest
from tests.pure.compatibility_cases import APP, MODULE, PYTHON, RUN, SNAP, elf_of, said, verdict, warned
from tests.pure.hostile import Member, Memory, look, member, tgz_of, zip_of


def test_kind_and_runtime_must_agree() -> None:
    kind = '[application]\nkind = "nodejs"\n'
    assert "runtime is python3.13" in said(verdict({"index.js": b"exports.handler = 1"}, manifest=kind))


def test_a_release_that_does_not_fit_the_disk_is_refused() -> None:
    limits = Limits(unpacked=2**30)
    files = [member(k.encode(), v) for k, v in {**APP, "0.bin": bytes(20 * 2**20)}.items()]
    links = [member(f"{n}.bin".encode(), type=b"1", link=b"0.bin") for n in range(1, 26)]  # each counts as a file
    source = Memory("a.tgz", tgz_of(*files, *links), 2**18)
    assert "MB of SnapStart" in said(inspect_archive(source, limits, SNAP))
    found = inspect_archive(source, limits, PYTHON)
    assert isinstance(found, Inspection)
    assert found.storage in (521, 522)


def test_a_start_that_takes_longer_than_init_is_warned_of() -> None:
    contents = look("a.zip", zip_of(Member(b"lambda_function.py", b"def lambda_handler(e, c): ...")))
    assert isinstance(contents, Contents)
    with closing(Probe()) as probe:
        large = contents.model_copy(update={"size": 2_000_000_000})
        fit = check_compatibility(large, probe, Manifest(), PYTHON)
        slow = check_compatibility(large, probe, Manifest(), PYTHON.model_copy(update={"timeout": 300}))
        snap = check_compatibility(large, probe, Manifest(), SNAP)
    assert isinstance(fit, Accepted)
    assert isinstance(slow, Accepted)
    assert isinstance(snap, Accepted)
    assert "about 26 s" in fit.warnings[-2]
    assert "first calls will fail" in fit.warnings[-1]
    assert not any("first calls" in warning for warning in slow.warnings)
    assert not any("cold start" in warning for warning in snap.warnings)


def test_resources_are_held_against_the_function() -> None:
    asked = "[resources]\nephemeral-storage = 600\nprovisioned-concurrency = 2\n"
    answer = said(verdict(APP, SNAP, asked))
    assert "ephemeral-storage" in answer
    assert "provisioned-concurrency" in answer
    assert isinstance(verdict(APP, manifest=asked), Inspection)


def test_a_manifest_that_cannot_be_read_is_never_passed_over() -> None:
    assert "or larger than 1048576 bytes" in said(verdict(APP, manifest="#" * (2**20 + 1)))
    link = tgz_of(member(b"a.toml", b"schema = 9"), member(b"dropshift.toml", type=b"2", link=b"a.toml"))
    assert "not a regular file" in said(inspect_archive(Memory("a.tgz", link), Limits(), PYTHON))
    assert "not at the root" in warned(verdict({**APP, "x/dropshift.toml": b"schema = 9"}))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    files = {MODULE: elf_of(183), "app/main.py": b"", "a-1.dist-info/WHEEL": b"Tag: cp39-cp39-win32\n"}
    answer = said(verdict(files, SNAP, RUN + "[resources]\nephemeral-storage = 600\n"))
    for words in ("nothing called run", "native code for arm64", "Windows", "ephemeral-storage"):
        assert words in answer
    broken = said(verdict(files, manifest="[application\n"))
    assert "dropshift.toml" in broken
    assert "native code for arm64" in broken


def test_nothing_of_the_release_is_imported_or_run() -> None:
    marker = f"/tmp/dropshift-test-{os.getpid()}"  # noqa: S108 - it must not come to be
    source = f"open({marker!r}, 'w')\ndef lambda_handler(e, c): ...\n".encode()
    assert isinstance(verdict({"lambda_function.py": source}), Inspection)
    assert not Path(marker).exists()


def test_a_python_that_the_bootstrap_is_not_packaged_for_is_refused() -> None:
    newer = PYTHON.model_copy(update={"runtime": "python3.14"})
    assert "python3.13, for which the bootstrap is packaged" in said(verdict(APP, newer))
    assert isinstance(verdict(APP), Inspection)
