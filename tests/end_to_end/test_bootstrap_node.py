"""The nodejs kind: the same package and handler string, the same bundle; ESM and CommonJS, promises and streams."""

import json
import random
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bootstrap.loader.sigv4 import Credentials, Signer, Target, encode
from tests import toolchains
from tests.applications import KEY, Happened, call, comparable, dropped, invocation, native, package, release, write
from tests.client_case import Case
from tests.end_to_end.test_bootstrap_faults import REFUSALS
from tests.local.waiting import until
from tests.object_store import BUCKET, Fault, ObjectStore

LOOK = """\
  ({ event, cwd: process.cwd(), root: process.env.LAMBDA_TASK_ROOT, handler: process.env._HANDLER,
     pointer: process.env.DROPSHIFT_POINTER ?? null, argv: process.argv.length, name: context.functionName,
     variables: Object.keys(process.env).filter((name) => !/ENDPOINT|API/.test(name)).sort(),
     globals: Object.keys(globalThis).sort() })
"""
PLACE = "(node:internal/|/aws-lambda-ric-)"
FOREIGN = (
    rf'(, ?)?\\*" +at [^"]*{PLACE}[^"\\]*\\*"'
    rf"|[\n\r] +at [^\n\r]*{PLACE}[^\n\r]*"
    rf'|\\+n +at [^\\"]*{PLACE}[\w./:-]*\)?'
    r"|\.\.\. \d+ lines matching cause stack trace \.\.\."
)
"""Frames of a stack that are Node's or the client's: how many of them fit below the application's own may differ."""
IMPORTER = r"(imported from )[^<]\S+/\w+\.mjs"
"""The module that imports the application's: the client's natively, ours otherwise."""
CASES: dict[str, dict[str, str]] = {
    "CommonJS looks around": {"app.js": f"exports.handler = async (event, context) =>\n{LOOK}"},
    "ESM looks around": {"app.mjs": f"export const handler = async (event, context) =>\n{LOOK}"},
    "ESM by package.json": {
        "package.json": '{"type": "module"}',
        "app.js": "import { VALUE } from './lib.js';\nexport const handler = async () => VALUE;\n",
        "lib.js": "export const VALUE = 7;\n",
    },
    "cjs": {"app.cjs": "module.exports.handler = async () => [require.main === undefined, typeof module];\n"},
    "requires a package": {
        "app.js": "const thing = require('thing');\nexports.handler = async () => thing.value;\n",
        "node_modules/thing/package.json": '{"name": "thing", "main": "lib/main.js"}',
        "node_modules/thing/lib/main.js": "exports.value = 8;\n",
    },
    "imports a package": {
        "app.mjs": "import { value } from 'thing';\nexport const handler = async () => value;\n",
        "node_modules/thing/package.json": '{"name": "thing", "type": "module", "exports": "./main.js"}',
        "node_modules/thing/main.js": "export const value = 9;\n",
    },
    "awaits at the top": {
        "app.mjs": "const value = await Promise.resolve(3);\nexport const handler = async () => value;\n"
    },
    "rejects": {
        "app.js": "class Unlucky extends Error { name = 'Unlucky' }\n"
        "exports.handler = async (event) => { throw new Unlucky(`no luck with ${event.n}`) };\n"
    },
    "throws": {"app.mjs": "export const handler = (event) => { null.nothing };\n"},
    "returns nothing": {"app.mjs": "export const handler = async () => {};\n"},
    "streams": {
        "app.mjs": "export const handler = awslambda.streamifyResponse(async (event, stream) => {\n"
        "  stream.write('\"one ');\n  await new Promise((r) => setTimeout(r, 20));\n  stream.end('two\"');\n});\n"
    },
    "streams from CommonJS": {
        "app.js": "exports.handler = awslambda.streamifyResponse(async (event, stream) => stream.end('1'));\n"
    },
    "streams with a prelude": {
        "app.mjs": "export const handler = awslambda.streamifyResponse(async (event, stream) => {\n"
        "  const http = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });\n  http.end('made');\n});\n"
    },
    "breaks off in the middle of a stream": {
        "app.mjs": "export const handler = awslambda.streamifyResponse(async (event, stream) => {\n"
        "  stream.write('half');\n  throw new RangeError('out of it');\n});\n"
    },
    "logs": {
        "app.js": "console.log('at import');\nexports.handler = async (event) => {\n"
        "  console.info('informed of', event);\n  console.error(new Error('an error to log'));\n};\n"
    },
    "has a callback": {"app.js": "exports.handler = (event, context, done) => done(null, event);\n"},
    "returns what is not JSON": {"app.js": "exports.handler = async () => 1n;\n"},
    "exits in the handler": {"app.js": "exports.handler = async () => process.exit(3);\n"},
    "forgets a rejection": {
        "app.js": "exports.handler = async () => {\n"
        "  Promise.reject(new Error('forgotten'));\n  await new Promise(() => {});\n};\n"
    },
    "exports by default": {"app.mjs": "export default { handler: async () => 4 };\n"},
    "exports what cannot be seen from outside": {"app.js": "module['exp' + 'orts'] = { handler: async () => 5 };\n"},
    "has a folder called like the handler's module": {
        "app.js": "exports.handler = async () => 6;\n",
        "app/index.js": "exports.handler = async () => 'index';\n",
    },
    "has no handler": {"app.js": "exports.other = async () => 1;\n"},
    "has a handler that is no function": {"app.js": "exports.handler = 1;\n"},
    "has no module": {"other.js": "exports.handler = async () => 1;\n"},
    "has its module among the packages": {"node_modules/app/index.js": "exports.handler = async () => 7;\n"},
    "requires what is not there": {"app.js": "require('nowhere');\n"},
    "imports what is not there": {"app.mjs": "import 'nowhere';\n"},
    "does not parse": {"app.js": "exports.handler = async () => {\n"},
    "does not parse as ESM": {"app.mjs": "export const handler = async () => {\n"},
    "throws at import": {"app.js": "throw new TypeError('broken');\n"},
    "throws what is no error": {"app.js": "throw 'a string';\n"},
    "reads its own files": {
        "app.mjs": "import fs from 'node:fs';\nconst text = fs.readFileSync(`${import.meta.dirname}/a.txt`, 'utf8');\n"
        "export const handler = async () => [text, fs.readFileSync('a.txt', 'utf8')];\n",
        "a.txt": "text",
    },
    "has modules called like ours": {
        "app.js": "exports.handler = async () => [require('./bootstrap').mine, require('./zlib').mine];\n",
        "bootstrap.js": "exports.mine = 'bootstrap';\n",
        "zlib.js": "exports.mine = 'zlib';\n",
    },
}


def compared(happened: Happened, root: str) -> list[str]:
    """Take out what differs between any two runs: request ids, times, ports, and our report line."""
    text = json.dumps([comparable(one, _is_foreign) for one in happened.outcomes])
    output = re.sub(r'\{"event":"release\.loaded".*\n', "", happened.output + "\n").rstrip("\n")
    return [_neutral(re.sub(root, "<root>", one)) for one in (text, output)]


def both(tmp_path: Path, store: ObjectStore, name: str, case: Case) -> tuple[Happened, list[str], list[str]]:
    """Run an application natively and dropped; return how it ended natively, and both runs as `compared`."""
    tree = write(tmp_path / "tree", case.files)
    variables, runtime = {"AWS_EXECUTION_ENV": f"AWS_Lambda_{name}", **case.variables}, toolchains.node_runtime(name)
    with native(tree, tmp_path, variables, runtime, case.handler) as environment:
        natively = call(environment, *case.events)
    pointer = release(tree, kind="nodejs", handler=case.handler).stored(store)
    with dropped(pointer, store, tmp_path, variables, runtime) as environment:
        happened = call(environment, *case.events)
    root = rf"{tmp_path}/[-0-9a-f]+/tmp/dropshift/{pointer.sha256[:32]}"
    return natively, compared(natively, str(tree)), compared(happened, root)


def _is_foreign(path: str) -> bool:
    """Return whether a frame for X-Ray is not surely the application's: the client writes `file` for every module."""
    return path in ("node", "file") or "/aws-lambda-ric-" in path


def _neutral(text: str) -> str:
    text = re.sub(r"[0-9a-f]{8}-[-0-9a-f]{27}", "<id>", text)
    text = re.sub(FOREIGN, "", re.sub(IMPORTER, r"\1<importer>", text))
    text = re.sub(r"\(node:\d+\)", "(node)", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "<time>", text)


@pytest.mark.parametrize("name", toolchains.RUNTIMES)
@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
def test_a_dropped_node_application_behaves_as_a_native_one(
    tmp_path: Path, store: ObjectStore, files: dict[str, str], name: str
) -> None:
    _, natively, through_us = both(tmp_path, store, name, Case("", files, ""))
    assert through_us == natively


WALKS = """\
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
const root = import.meta.dirname;
const digest = (file) => createHash("sha256").update(fs.readFileSync(file)).digest("hex");
const walk = (folder) =>
  fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap((entry) => {
    const place = path.join(folder, entry.name), { mode, size } = fs.lstatSync(place);
    const seen = [path.relative(root, place), mode, fs.existsSync(place), fs.statSync(place).isFile()];
    if (entry.isDirectory()) return [seen, ...walk(place)];
    if (entry.isSymbolicLink()) return [[...seen, fs.readlinkSync(place), fs.readdirSync(path.dirname(place))]];
    return [[...seen, size, digest(place), execFileSync("sha256sum", ["-b", place]).toString().slice(0, 64)]];
  });
const SEEN = walk(root);
export const handler = async () => [SEEN, walk(".")];
"""


@pytest.mark.parametrize("name", toolchains.RUNTIMES)
def test_a_node_application_that_walks_its_tree_sees_what_a_native_one_sees(
    tmp_path: Path, store: ObjectStore, name: str
) -> None:
    large = random.Random(8).randbytes(3 << 20)  # noqa: S311 - bytes that do not compress
    tree = write(
        tmp_path / "tree", {"app.mjs": WALKS, "a/b/c.txt": "c", "a/empty": "", "run": "#!/bin/sh\n", "d.bin": large}
    )
    (tree / "run").chmod(0o755)
    (tree / "a" / "none").mkdir()
    (tree / "a" / "link").symlink_to("b/c.txt")
    (tree / "folder").symlink_to("a/b")
    pointer = release(tree, kind="nodejs").stored(store)
    variables, runtime = {"AWS_EXECUTION_ENV": f"AWS_Lambda_{name}"}, toolchains.node_runtime(name)
    with native(tree, tmp_path, variables, runtime) as environment:
        [natively] = call(environment, {}).answers
    with dropped(pointer, store, tmp_path, variables, runtime) as environment:
        assert call(environment, {}).answers == [natively]
    assert [seen[0] for seen in natively[0]][:3] == ["a", "a/b", "a/b/c.txt"]


PART = 4
"""Bytes of a journal that stand for a part in place."""
LARGE: dict[str, str | bytes] = {
    "app.mjs": "export const handler = async () => 'ready';\n",
    "data.bin": bytes(range(256)) * 40_000,
}


@pytest.mark.parametrize("fault", ["503", "reset", "short", "corrupt", "garbage"])
def test_a_passing_fault_is_survived(tmp_path: Path, store: ObjectStore, runtime: list[str], fault: Fault) -> None:
    pointer = release(write(tmp_path / "tree", LARGE), kind="nodejs").stored(store)
    store.misbehave = lambda number: fault if number in (1, 3) else None
    with dropped(pointer, store, tmp_path, runtime=runtime) as environment:
        happened = call(environment, {})
        [loaded] = tmp_path.glob(f"*/tmp/dropshift/{pointer.sha256[:32]}/data.bin")
        assert loaded.read_bytes() == LARGE["data.bin"]
    assert happened.answers == ["ready"]


def test_a_busy_s3_is_waited_for(tmp_path: Path, store: ObjectStore, runtime: list[str]) -> None:
    pointer = release(write(tmp_path / "tree", LARGE), kind="nodejs").stored(store)
    store.misbehave = lambda number: "503" if number <= 10 else None  # more often than any other fault is tried
    with dropped(pointer, store, tmp_path, runtime=runtime) as environment:
        assert call(environment, {}).answers == ["ready"]


@pytest.mark.parametrize(("fault", "kind", "remedy"), REFUSALS)
def test_a_lasting_fault_fails_closed_with_one_line(
    tmp_path: Path, store: ObjectStore, runtime: list[str], fault: Fault, kind: str, remedy: str
) -> None:
    pointer = release(write(tmp_path / "tree", LARGE), kind="nodejs").stored(store)
    store.misbehave = lambda _number: fault
    with dropped(pointer, store, tmp_path, runtime=runtime) as environment:
        happened = call(environment)
    [error] = happened.answers
    [line] = (json.loads(one) for one in happened.output.splitlines() if '"release.not_loaded"' in one)
    assert (line["kind"], line["problem"], line["LoadFailures"]) == (kind, error["errorMessage"], 1)
    assert error["errorType"] == f"Dropshift.{kind}"
    assert f"(s3://{BUCKET}/{KEY}, version {pointer.version})" in error["errorMessage"]
    assert remedy in error["errorMessage"]
    assert "\n" not in error["errorMessage"]


def test_an_init_that_was_cut_goes_on_where_it_stood(tmp_path: Path, store: ObjectStore, runtime: list[str]) -> None:
    files = LARGE | {"data.bin": random.Random(6).randbytes(6 << 20)}  # noqa: S311 - bytes that do not compress
    pointer = release(write(tmp_path / "tree", files), kind="nodejs").stored(store)
    store.misbehave = lambda number: "stall" if number > 3 else None
    with dropped(pointer, store, tmp_path, runtime=runtime) as environment, ThreadPoolExecutor(1) as pool:
        cut = pool.submit(environment.start, 60)
        until(lambda: [path for path in tmp_path.glob("*/tmp/dropshift/*.journal") if path.stat().st_size == 2 * PART])
        environment.stop()
        assert cut.result().kind == "exited"
        store.misbehave, before = lambda _number: None, len(store.requests)
        assert call(environment, {}).answers == ["ready"]
        again = len(store.requests) - before
    assert 2 < again < before + 2


def test_a_command_runs_once_a_call_under_node_too(tmp_path: Path, store: ObjectStore, runtime: list[str]) -> None:
    tree = write(tmp_path / "tree", {"main.js": "process.stdin.pipe(process.stdout);\n"})
    command = (runtime[0], "main.js")
    pointer = release(tree, kind="command", handler=None, command=command).stored(store)
    with dropped(pointer, store, tmp_path, runtime=runtime) as environment:
        assert call(environment, {"n": 1}, {"n": 2}).answers == [{"n": 1}, {"n": 2}]


PROGRAM = """\
#!/bin/sh
exec "$NODE" -e '
  const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/`;
  (async () => {
    for (;;) {
      const next = await fetch(`${api}next`);
      const id = next.headers.get("lambda-runtime-aws-request-id");
      const { pid, env } = process;
      const said = { event: await next.json(), process: pid, cwd: process.cwd(), pointer: env.DROPSHIFT_POINTER };
      await fetch(`${api}${id}/response`, { method: "POST", body: JSON.stringify(said) });
    }
  })();'
"""


@pytest.mark.parametrize("name", toolchains.RUNTIMES)
def test_a_program_takes_the_place_of_node(tmp_path: Path, store: ObjectStore, name: str) -> None:
    runtime = toolchains.node_runtime(name)
    tree = write(tmp_path / "tree", {"server": PROGRAM})
    (tree / "server").chmod(0o755)
    pointer = release(tree, kind="executable", handler=None, command=("./server",)).stored(store)
    with dropped(pointer, store, tmp_path, {"NODE": runtime[0]}, runtime) as environment:
        happened = call(environment, {"n": 1}, {"n": 2})
        assert environment.process is not None
        process = environment.process.pid
    [root] = {answer["cwd"] for answer in happened.answers}
    assert root.endswith(pointer.sha256[:32])
    assert happened.answers == [{"event": {"n": n}, "process": process, "cwd": root} for n in (1, 2)]


def test_without_a_pointer_every_call_says_that_there_is_no_release_yet(
    tmp_path: Path, store: ObjectStore, runtime: list[str]
) -> None:
    with dropped(None, store, tmp_path, {"DROPSHIFT_RELEASES": "s3://r/app/"}, runtime) as environment:
        happened = call(environment, {}, {})
    assert [one.kind for one in happened.outcomes] == ["ready", "error", "error"]
    assert happened.answers[0]["errorMessage"] == "no release yet: drop an archive at s3://r/app/<release>.zip"


THREADED = """\
import fs from "node:fs";
import path from "node:path";
import { threadId } from "node:worker_threads";
const atRoot = process.cwd() === process.env.LAMBDA_TASK_ROOT;
export const handler = async () => [threadId, atRoot, fs.readFileSync(path.resolve("a.txt"), "utf8")];
"""


def test_the_threads_of_a_managed_instance_load_once_and_all_serve(
    tmp_path: Path, store: ObjectStore, runtime: list[str]
) -> None:
    tree = write(tmp_path / "tree", {"app.mjs": THREADED, "a.txt": "text"})
    variables = {
        "AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances",
        "AWS_LAMBDA_MAX_CONCURRENCY": "2",
        "AWS_LAMBDA_NODEJS_WORKER_COUNT": "2",
    }
    seen = set[int]()
    with dropped(release(tree, kind="nodejs").stored(store), store, tmp_path, variables, runtime) as environment:
        assert environment.start().kind == "ready"

        def both_threads() -> bool:
            thread, at_root, text = json.loads(environment.run(invocation({}), 10).payload)
            seen.add(thread)
            assert (at_root, text) == (True, "text")
            return len(seen) == 2

        until(both_threads)
        output = environment.output()
    assert output.count('"release.loaded"') == 1
    assert len(store.requests) == 2


SIGN = """\
import { sign } from %s;
import fs from "node:fs";
const cases = JSON.parse(fs.readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map((one) => sign(one.target, one.extra, one.credentials, one.region, one.time))));
"""


def test_requests_are_signed_as_in_python(tmp_path: Path, runtime: list[str]) -> None:
    rng = random.Random(7)  # noqa: S311 - test data
    cases, expected = [], []
    for _ in range(300):
        key = "".join(rng.choices("abc/ +=&?#%üä\U0001f600!'()*~_-.", k=rng.randrange(1, 30)))
        token, time = rng.choice(["", "token/+="]), f"20{rng.randrange(10, 99)}0102T030405Z"
        target = Target("host:8080", f"/bucket/{encode(key, b'/')}", (("versionId", key[::-1]),))
        extra = {"range": "bytes=0-9", "x-amz-expected-bucket-owner": "123456789012"}
        expected.append(Signer(Credentials("K", key, token), "eu-central-1").headers(target, extra, time))
        theirs = {"host": target.host, "path": target.path, "query": target.query_string}
        credentials = {"accessKey": "K", "secretKey": key, "token": token}
        cases.append(
            {"target": theirs, "extra": extra, "credentials": credentials, "region": "eu-central-1", "time": time}
        )
    (tmp_path / "sign.mjs").write_text(SIGN % json.dumps(str(package() / "_dropshift/node/endpoint.mjs")))
    done = subprocess.run(
        [runtime[0], tmp_path / "sign.mjs"], input=json.dumps(cases), check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == expected
