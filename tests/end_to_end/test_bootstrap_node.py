"""The nodejs kind: the same package and handler string, the same bundle; ESM and CommonJS, promises and streams."""

import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap.signature import Credentials, Signer, Target, encode
from tests import tools
from tests.applications import Happened, call, dropped, native, package, release, write
from tests.object_store import BUCKET, Fault, ObjectStore, serving

DRIVER = Path(__file__).parent.parent / "node_runtime.mjs"
LOOK = """\
  ({ event, cwd: process.cwd(), root: process.env.LAMBDA_TASK_ROOT, handler: process.env._HANDLER,
     pointer: process.env.DROPSHIFT_POINTER ?? null, argv: process.argv.length, name: context.functionName,
     variables: Object.keys(process.env).filter((name) => !/ENDPOINT|API/.test(name)).sort(),
     globals: Object.keys(globalThis).sort() })
"""
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
    "throws at import": {"app.js": "throw new TypeError('broken');\n"},
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


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with serving(ObjectStore()) as started:
        yield started


@pytest.fixture(scope="module")
def runtime() -> list[str]:
    return [str(tools.node()), str(DRIVER)]


def _comparable(happened: Happened, root: str) -> list[str]:
    """Take out what differs between any two runs; of a stack, the application's own frames count."""
    answers = [_without_foreign_frames(json.loads(one.payload or "null")) for one in happened.outcomes]
    text = json.dumps([[one.kind for one in happened.outcomes], answers])
    output = re.sub(r'\{"event":"release\.loaded".*\n', "", happened.output + "\n").rstrip("\n")
    return [re.sub(r"[0-9a-f]{8}-[-0-9a-f]{27}", "<id>", re.sub(root, "<root>", one)) for one in (text, output)]


def _without_foreign_frames(answer: Any) -> Any:  # noqa: ANN401 - whatever JSON can say
    if isinstance(answer, dict) and "trace" in answer:
        frames = [line for line in answer["trace"] if not re.match(r" +at (?!.*/(tree|dropshift)/)", line)]
        return {**answer, "trace": frames}
    return answer


@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
def test_a_dropped_node_application_behaves_as_a_native_one(
    tmp_path: Path, store: ObjectStore, runtime: list[str], files: dict[str, str]
) -> None:
    tree = write(tmp_path / "tree", files)
    pointer = release(tree, kind="nodejs").stored(store)
    with native(tree, tmp_path, runtime=runtime) as environment:
        natively = _comparable(call(environment, {"n": 1}, {"n": 2}), str(tree))
    with dropped(pointer, store, tmp_path, runtime=runtime) as environment:
        happened = call(environment, {"n": 1}, {"n": 2})
    assert _comparable(happened, rf"{tmp_path}/[-0-9a-f]+/tmp/dropshift/{pointer.sha256[:32]}") == natively


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


@pytest.mark.parametrize(
    ("fault", "kind", "remedy"),
    [
        ("403", "AccessDenied", "needs s3:GetObject and s3:GetObjectVersion"),
        ("404", "Missing", "redeploy the release"),
        ("expired", "ExpiredCredentials", "start a fresh execution environment"),
        ("whole", "NotRanged", "got 200 instead of 206"),
        ("shifted", "WrongRange", "asked for 'bytes"),
    ],
)
def test_a_lasting_fault_fails_closed_with_one_line(
    tmp_path: Path, store: ObjectStore, runtime: list[str], fault: Fault, kind: str, remedy: str
) -> None:
    pointer = release(write(tmp_path / "tree", LARGE), kind="nodejs").stored(store)
    store.misbehave = lambda _number: fault
    with dropped(pointer, store, tmp_path, runtime=runtime) as environment:
        [error] = call(environment).answers
    assert error["errorType"] == f"Dropshift.{kind}"
    assert f"s3://{BUCKET}/" in error["errorMessage"]
    assert remedy in error["errorMessage"]


def test_an_init_that_was_cut_goes_on_where_it_stood(tmp_path: Path, store: ObjectStore, runtime: list[str]) -> None:
    files = LARGE | {"data.bin": random.Random(6).randbytes(6 << 20)}  # noqa: S311 - bytes that do not compress
    pointer = release(write(tmp_path / "tree", files), kind="nodejs").stored(store)
    store.misbehave = lambda number: "stall" if number > 3 else None
    with dropped(pointer, store, tmp_path, runtime=runtime) as environment:
        assert environment.start(1.5).kind == "exited"
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


def test_without_a_pointer_every_call_says_that_there_is_no_release_yet(
    tmp_path: Path, store: ObjectStore, runtime: list[str]
) -> None:
    with dropped(None, store, tmp_path, {"DROPSHIFT_RELEASES": "s3://r/app/"}, runtime) as environment:
        happened = call(environment, {}, {})
    assert [one.kind for one in happened.outcomes] == ["ready", "error", "error"]
    assert happened.answers[0]["errorMessage"] == "no release yet: drop an archive at s3://r/app/<release>.zip"


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
    (tmp_path / "sign.mjs").write_text(SIGN % json.dumps(str(package() / "bootstrap.mjs")))
    done = subprocess.run(
        [runtime[0], tmp_path / "sign.mjs"], input=json.dumps(cases), check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == expected
