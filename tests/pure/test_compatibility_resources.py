"""Disk and time for a release, and the resources of its manifest."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from deployer.inspection.archive import Limits, Refusal
from deployer.inspection.compatibility import Accepted, Probe, check_compatibility
from deployer.inspection.compatibility.runtime import SUPPORTED_PYTHONS
from deployer.inspection.inspect import inspect_archive
from deployer.model.inspection import Inspection
from deployer.model.manifest import Manifest
from tests.pure.compatibility_cases import APP, MODULE, PYTHON, RUN, SNAP, elf_of, refusal, verdict, warnings
from tests.pure.hostile import Member, Memory, accepted, member, tgz_of, zip_of


def test_kind_and_runtime_must_agree() -> None:
    kind = '[application]\nkind = "nodejs"\n'
    assert "runtime is python3.13" in refusal(verdict({"index.js": b"exports.handler = 1"}, manifest=kind))


def test_a_release_that_does_not_fit_the_disk_is_refused() -> None:
    limits = Limits(unpacked=2**30)
    files = [member(k.encode(), v) for k, v in {**APP, "0.bin": bytes(20 * 2**20)}.items()]
    links = [member(f"{n}.bin".encode(), type=b"1", link=b"0.bin") for n in range(1, 26)]  # each counts as a file
    source = Memory("a.tgz", tgz_of(*files, *links), 2**18)
    assert "MB of SnapStart" in refusal(inspect_archive(source, limits, SNAP))
    found = inspect_archive(source, limits, PYTHON)
    assert isinstance(found, Inspection)
    assert found.storage in (521, 522)


def test_a_start_that_takes_longer_than_init_is_warned_of() -> None:
    contents = accepted("a.zip", zip_of(Member(b"lambda_function.py", b"def lambda_handler(e, c): ...")))
    with closing(Probe()) as probe:
        large = contents.model_copy(update={"size": 2_000_000_000})
        slow = check_compatibility(large, probe, Manifest(), PYTHON)
        snap = check_compatibility(large, probe, Manifest(), SNAP)
    assert isinstance(slow, Accepted)
    assert isinstance(snap, Accepted)
    assert "about 26 s" in slow.warnings[-1]
    assert not any("cold start" in warning for warning in snap.warnings)


def test_resources_are_held_against_the_function() -> None:
    asked = "[resources]\nephemeral-storage = 600\nprovisioned-concurrency = 2\n"
    answer = refusal(verdict(APP, SNAP, asked))
    assert "ephemeral-storage" in answer
    assert "provisioned-concurrency" in answer
    assert isinstance(verdict(APP, manifest=asked), Inspection)


def test_where_no_stack_is_known_provisioned_concurrency_is_warned_of_and_nothing_is_refused() -> None:
    assert "MaxProvisionedConcurrency" in warnings(verdict(APP, manifest="[resources]\nprovisioned-concurrency = 2\n"))
    assert "MaxProvisionedConcurrency" not in warnings(verdict(APP, manifest="[resources]\nmemory = 10240\n"))


def test_a_manifest_that_cannot_be_read_is_never_passed_over() -> None:
    assert "or larger than 1048576 bytes" in refusal(verdict(APP, manifest="#" * (2**20 + 1)))
    link = tgz_of(member(b"a.toml", b"schema = 9"), member(b"dropshift.toml", type=b"2", link=b"a.toml"))
    assert "not a regular file" in refusal(inspect_archive(Memory("a.tgz", link), Limits(), PYTHON))
    assert "not at the root" in warnings(verdict({**APP, "x/dropshift.toml": b"schema = 9"}))


def test_everything_that_is_wrong_is_reported_at_once() -> None:
    files = {MODULE: elf_of(183), "app/main.py": b"", "a-1.dist-info/WHEEL": b"Tag: cp39-cp39-win32\n"}
    answer = refusal(verdict(files, SNAP, RUN + "[resources]\nephemeral-storage = 600\n"))
    for words in ("nothing called run", "native code for arm64", "Windows", "ephemeral-storage"):
        assert words in answer
    broken = refusal(verdict(files, manifest="[application\n"))
    assert "dropshift.toml" in broken
    assert "native code for arm64" in broken


def test_nothing_of_the_release_is_imported_or_run() -> None:
    marker = f"/tmp/dropshift-test-{os.getpid()}"  # noqa: S108 - it must not come to be
    source = f"open({marker!r}, 'w')\ndef lambda_handler(e, c): ...\n".encode()
    assert isinstance(verdict({"lambda_function.py": source}), Inspection)
    assert not Path(marker).exists()


FUNCTIONS = {
    # what is wrong: (what was read of the function, words of the answer)
    "variables that cannot be read": ({"environment_error": "Access denied: kms:Decrypt"}, "kms:Decrypt, kms:Encrypt"),
    "an alias with concurrency of its own": (
        {"alias_has_concurrency": True},
        "set [resources] provisioned-concurrency",
    ),
    "another role": ({"differs": ("execution role",)}, 'release once with strategy = "all-at-once"'),
    "another dead letter queue": ({"differs": ("dead letter queue",)}, "the function's dead letter queue"),
}


@pytest.mark.parametrize(("read", "words"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_function_that_would_stop_the_release_later_is_refused_with_a_way_out(
    read: dict[str, object], words: str
) -> None:
    assert words in refusal(verdict(APP, PYTHON.model_copy(update=read)))


def test_versions_that_differ_may_follow_each_other_all_at_once() -> None:
    other = PYTHON.model_copy(update={"differs": ("execution role", "dead letter queue")})
    assert isinstance(verdict(APP, other, '[rollout]\nstrategy = "all-at-once"\n'), Inspection)
    answer = refusal(verdict(APP, other, '[rollout]\nstrategy = "linear"\n'))
    assert answer.count("while they share the traffic") == 2


RUNTIMES = {
    "python3.10": "python3.10, which AWS deprecated",
    "python3.11": "python3.11, which is built on Amazon Linux 2",
    "python3.15": "python3.15, for which the bootstrap is not packaged",
    "nodejs20.x": "nodejs20.x, whose standard library has no zstd",
    "provided.al2023": "provided.al2023, which has no Python or Node.js",
    "ruby3.4": "ruby3.4, which has no Python or Node.js",
    "custom": "a custom runtime",
    "": "a container image",
    "python": "did you mean python3.14?",
    "node22": "did you mean nodejs22.x?",
}


@pytest.mark.parametrize(("name", "words"), RUNTIMES.items())
def test_a_runtime_that_the_bootstrap_does_not_run_in_is_refused_by_name(name: str, words: str) -> None:
    for manifest in ("", '[application]\nkind = "executable"\ncommand = ["./server"]\n', "[application\n"):
        answer = refusal(verdict(APP, PYTHON.model_copy(update={"runtime": name}), manifest))
        assert words in answer
        assert "allowed: python3.14, python3.13, python3.12, nodejs22.x or later" in answer


@pytest.mark.parametrize("version", SUPPORTED_PYTHONS)
def test_every_supported_python_is_accepted(version: tuple[int, int]) -> None:
    function = PYTHON.model_copy(update={"runtime": f"python{version[0]}.{version[1]}"})
    assert isinstance(verdict(APP, function), Inspection)


def test_problems_and_warnings_are_listed_up_to_a_hundred_and_the_rest_is_counted() -> None:
    wheels = {f"p{n}-1.dist-info/WHEEL": b"Tag: cp313-cp313-win_amd64\n" for n in range(150)}
    found = verdict({**APP, **wheels})
    assert isinstance(found, Refusal)
    assert len(found.problems) < 101
    assert "more problems" in found.problems[-1].found
    foreign = {f"p{n}/m.cp313-win_amd64.pyd": b"MZ" for n in range(150)} | {f"p{n}/m.py": b"" for n in range(150)}
    passed = verdict({**APP, **foreign})
    assert isinstance(passed, Inspection)
    assert len(passed.warnings) == 100
    assert passed.warnings[-1] == "52 more warnings"
    broken = verdict({**APP, **wheels}, manifest="[application\n")
    assert isinstance(broken, Refusal)
    assert len(broken.problems) < 101
