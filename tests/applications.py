"""One application, deployed natively or dropped as a release, under AWS's own runtime client."""

import base64
import functools
import hashlib
import json
import os
import random
import re
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from backports import zstd

from bootstrap.index import Index
from bootstrap.pointer import VARIABLE, Pointer
from deployer.aws.profile_request import CLIENT_CONTEXT
from deployer.bundle import BuildOptions, build, layout
from deployer.model.entry import Entry
from deployer.model.profile import Profile
from tests import pythons
from tests.local.deploy import ARCHITECTURE
from tests.local.environments import Environment, Program
from tests.local.runtime_api import Invocation, Outcome
from tests.local.waiting import alone, until
from tests.object_store import BUCKET, ObjectStore, serving
from tests.toolchains import until_exit

KEY = "bundles/app/release 1+ü.tar.zst"
MAIN = '''\
"""Do what Lambda's /var/runtime/bootstrap.py does before it hands over to the runtime client."""
import json, logging, os, site, sys, time, traceback, warnings
import awslambdaric.__main__ as client


def add_default_site_directories():
    site.addsitedir(os.environ["LAMBDA_TASK_ROOT"])


sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
add_default_site_directories()
client.main([os.environ["LAMBDA_TASK_ROOT"], os.environ["_HANDLER"]])
'''
EVENTS = ({"n": 1}, {"n": 2})
COLD = "cold.bin"
LARGE = random.Random(7).randbytes(700_000)  # noqa: S311 - bytes that do not compress: more than the first part takes
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1"}


@dataclass(frozen=True)
class Release:
    """A bundle in memory, and its pointer."""

    body: bytes
    pointer: Pointer

    def stored(self, store: ObjectStore) -> Pointer:
        """Put the bundle into `store`."""
        store.indexes.add(self.pointer.offset)
        return self.pointer._replace(version=store.put(self.pointer.key, self.body))


@dataclass
class Happened:
    """The result of an application: its answers in order, and everything it wrote."""

    outcomes: list[Outcome] = field(default_factory=list)
    output: str = ""

    @property
    def answers(self) -> list[Any]:
        """The answers as JSON, `ready` and exits left out."""
        return [json.loads(one.payload) for one in self.outcomes if one.kind not in ("ready", "exited")]


def write(tree: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write an application."""
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tree


def entries(tree: Path) -> list[Entry]:
    """Describe a tree as the archive reader does."""
    return [_entry(tree, path) for path in sorted(tree.rglob("*"))]


def release(
    tree: Path,
    *,
    kind: str = "python",
    handler: str | None = "app.handler",
    command: tuple[str, ...] = (),
    profile: Profile | None = None,
    small: int = 0,
) -> Release:
    """Bundle a tree; a test's files are small, and yet may come late unless it sets `small`."""
    body = bytearray()
    python = pythons.number(pythons.VERSION) if kind == "python" else None
    plan = BuildOptions(python=python, pythons=pythons.compilers(), profile=profile or Profile())
    with patch.object(layout, "SMALL", small):
        built = build(tree, entries(tree), body.extend, plan)
    place = (BUCKET, KEY, "", built.offset, built.index_size, built.index_sha256)
    pointer = Pointer(*place, kind, handler, command, "release 1", "0" * 32, "123456789012", built.unpacked)
    return Release(bytes(body), pointer)


def contents(bundle: bytes, offset: int, index_size: int) -> dict[str, bytes]:
    """Return every file of a bundle, as the bootstrap would write it."""
    index = Index.parse(zstd.decompress(bundle[offset : offset + index_size]))
    files, position = [bytearray(file.size) for file in index.files], 0
    for frame in index.frames:
        raw = zstd.decompress(bundle[position : position + frame.compressed])
        for one in frame.slices:
            for number in one.files:
                files[number][one.position : one.position + one.length] = raw[one.offset : one.offset + one.length]
        position += frame.compressed
    return {file.path: bytes(content) for file, content in zip(index.files, files, strict=True)}


def without_bytecode(
    tree: Path, store: ObjectStore, files: Mapping[str, str | bytes], profile: Profile | None = None
) -> Pointer:
    """Write a release to `tree` and store it without bytecode of its own, so that the profile names every file."""
    return release(write(tree, files), kind="nodejs", profile=profile).stored(store)._replace(kind="python")


def package(runtime: str = f"python{pythons.VERSION}") -> Path:
    """The bootstrap's package for a runtime, as the Makefile assembles it."""
    return _assembled(runtime)


@functools.cache
def _assembled(runtime: str) -> Path:
    target = until_exit("dropshift-package-")
    with alone(pythons.ROOT / "build"):
        command = ["make", "-s", f"package-{runtime}", f"ARTIFACTS_DIR={target}", f"ARCHITECTURE={ARCHITECTURE}"]
        subprocess.run(command, cwd=pythons.ROOT, check=True)
    return target


@contextmanager
def native(
    tree: Path,
    directory: Path,
    variables: Mapping[str, str] | None = None,
    runtime: Sequence[str] = (),
    handler: str = "app.handler",
) -> Iterator[Environment]:
    """Run the application at `tree` as it would run when deployed by itself; `runtime` starts another than Python."""
    with _environment(native_program(tree, directory, variables, runtime, handler), directory) as environment:
        yield environment


def native_program(
    tree: Path,
    directory: Path,
    variables: Mapping[str, str] | None = None,
    runtime: Sequence[str] = (),
    handler: str = "app.handler",
) -> Program:
    """Return the program of the application at `tree`, deployed by itself."""
    return _program(tree, handler, directory, variables or {}, runtime)


@contextmanager
def dropped(
    pointer: Pointer | None,
    store: ObjectStore,
    directory: Path,
    variables: Mapping[str, str] | None = None,
    runtime: Sequence[str] = (),
    main: str = MAIN,
) -> Iterator[Environment]:
    """Run the release that `pointer` names through the bootstrap; `runtime` as above, `main` begins Python's."""
    with _environment(dropped_program(pointer, store, directory, variables, runtime, main), directory) as environment:
        yield environment


def dropped_program(
    pointer: Pointer | None,
    store: ObjectStore,
    directory: Path,
    variables: Mapping[str, str] | None = None,
    runtime: Sequence[str] = (),
    main: str = MAIN,
) -> Program:
    """Return the program of the release that `pointer` names."""
    given = {"AWS_ENDPOINT_URL_S3": store.url, **({VARIABLE: pointer.encode()} if pointer else {})}
    given |= variables or {}
    root = package(given.get("AWS_EXECUTION_ENV", _name(runtime)).removeprefix("AWS_Lambda_"))
    return _program(root, "bootstrap.handler", directory, given, runtime, main)


def call(
    environment: Environment, *events: object, limit: float = 60, started: Callable[[], object] = lambda: None
) -> Happened:
    """Start the environment, call `started`, send events, and collect what happens."""
    happened = Happened()
    happened.outcomes.append(environment.start(limit))
    started()
    for event in events:
        if environment.alive:
            happened.outcomes.append(environment.run(invocation(event), limit))
    happened.output = environment.output()
    return happened


def reported(environment: Environment, event: str = "release.loaded") -> dict[str, Any]:
    """Wait for the line that reports how a load ended."""
    line = until(lambda: next((one for one in environment.log().splitlines() if f'"{event}"' in one), ""))
    return dict(json.loads(line))


def natively_and_dropped(
    tmp_path: Path,
    files: Mapping[str, str],
    variables: Mapping[str, str] | None = None,
    events: Sequence[object] = EVENTS,
    handler: str = "app.handler",
) -> tuple[list[str], list[str]]:
    """Run an application both ways; give of each what it did, with nothing in it that differs between any two runs."""
    tree = write(tmp_path / "tree", files)
    with serving(ObjectStore()) as store:
        pointer = release(tree, handler=handler).stored(store)
        with native(tree, tmp_path, variables, handler=handler) as environment:
            natively = compared(call(environment, *events), str(tree))
        return natively, _through_us(tmp_path, pointer, store, variables, events)


def dropped_while_it_arrives(tmp_path: Path, files: Mapping[str, str]) -> list[str]:
    """Run an application as above, dropped, with a last file that is still on its way while it is imported."""
    tree = write(tmp_path / "arriving", {**files, COLD: LARGE})
    profile = Profile(touched=tuple(files), milliseconds=tuple(range(len(files))), untouched=(COLD,))
    waited: list[float] = []

    def a_while() -> None:
        waited.append(0.2)
        time.sleep(0.2)

    with serving(ObjectStore(patience=a_while)) as store:
        pointer = release(tree, profile=profile).stored(store)
        store.misbehave = store.late_but_index_and_first
        happened = _through_us(tmp_path, pointer, store, None, EVENTS)
    assert waited, "nothing was late, so nothing overlapped"
    return happened


def _through_us(
    tmp_path: Path,
    pointer: Pointer,
    store: ObjectStore,
    variables: Mapping[str, str] | None,
    events: Sequence[object],
) -> list[str]:
    with dropped(pointer, store, tmp_path, variables) as environment:
        happened = call(environment, *events)
    return compared(happened, rf"{tmp_path}/[-0-9a-f]+/tmp/dropshift/{pointer.sha256[:32]}")


def compared(happened: Happened, root: str) -> list[str]:
    """Return outcomes and output without what differs between any two runs: ids, times, ports, and our report line."""
    text = json.dumps([comparable(one) for one in happened.outcomes])
    report = re.sub(r'\{"event": "release\.loaded".*\n', "", happened.output + "\n")
    return [neutral(text, root), neutral(report.rstrip("\n"), root)]


def comparable(one: Outcome, is_foreign: Callable[[str], bool] = lambda _: False) -> list[str]:
    """Return all that can be compared of an outcome: a cause's paths are in no order, and some frames are foreign."""
    cause = json.loads(one.cause) if one.cause else {}
    ordered = cause | {"paths": sorted(path for path in cause.get("paths", ()) if not is_foreign(path))}
    for error in ordered.get("exceptions", ()):
        error["stack"] = [frame for frame in error["stack"] if not is_foreign(frame.get("path") or "")]
    payload = one.payload.decode(errors="backslashreplace")
    return [one.kind, one.error_type, payload, one.content_type, json.dumps(ordered)]


def neutral(text: str, root: str) -> str:
    """Replace everything that differs between any two runs."""
    text = re.sub(root, "<root>", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "<address>", text)
    text = re.sub(r"0x[0-9a-f]{8,}", "<at>", text)
    text = re.sub(r"(?s)\ufffdZ\0(.).{1,24}?(?=\[[A-Z]{4}|\{\")", r"<frame \1>", text)
    text = re.sub(r', \\?\\?\\"AWS_ENDPOINT_URL_S3\\?\\": \\?\\"[^"]+"', "", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>", text)


def invocation(event: object, *, profile: bool = False) -> Invocation:
    """An invocation that carries `event`; with `profile`, as the smoke test sends it. A given one is renewed."""
    if isinstance(event, Invocation):
        return replace(event, request_id=str(uuid.uuid4()), deadline=time.time() + 20)
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:app"
    context = base64.b64decode(CLIENT_CONTEXT).decode() if profile else None
    request = str(uuid.uuid4())
    return Invocation(request, json.dumps(event).encode(), time.time() + 20, arn, client_context=context)


def _name(runtime: Sequence[str]) -> str:
    """Return what Lambda calls the runtime that a command starts; Python's ends with its own bootstrap.py."""
    return "nodejs24.x" if runtime and not runtime[-1].endswith("bootstrap.py") else f"python{pythons.VERSION}"


def _program(
    root: Path,
    handler: str,
    directory: Path,
    variables: Mapping[str, str],
    runtime: Sequence[str],
    main: str = MAIN,
) -> Program:
    started = directory / "runtime" / "bootstrap.py"
    started.parent.mkdir(parents=True, exist_ok=True)
    started.write_text(main)
    usual = {
        "PATH": os.environ["PATH"],
        "LAMBDA_TASK_ROOT": str(root),
        "_HANDLER": handler,
        "AWS_LAMBDA_FUNCTION_NAME": "app",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/app",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[7]0123456789abcdef",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{_name(runtime)}",
        **CREDENTIALS,
    }
    return Program(tuple(runtime) or (str(pythons.runtime()), str(started)), root, usual | dict(variables))


@contextmanager
def _environment(program: Program, directory: Path) -> Iterator[Environment]:
    environment = Environment(program, directory / str(uuid.uuid4()))
    try:
        yield environment
    finally:
        environment.remove()


def _entry(tree: Path, path: Path) -> Entry:
    name = str(path.relative_to(tree))
    if path.is_symlink():
        return Entry(path=name, kind="symlink", mode=0o777, size=0, target=str(path.readlink()))
    if path.is_dir():
        return Entry(path=name, kind="directory", mode=0o755, size=0)
    content = path.read_bytes()
    mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    digest = hashlib.sha256(content).hexdigest()
    return Entry(path=name, kind="file", mode=mode, size=len(content), sha256=digest)
