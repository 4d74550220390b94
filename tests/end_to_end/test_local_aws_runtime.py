"""The local AWS runs Python functions as Lambda does: AWS's runtime client, a clean process, a whole sandbox."""

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.local import LocalAws
from tests.local.functions import create

LOOKING = """
import os, sys, tempfile, importlib.util

def handler(event, context):
    open(os.path.join(tempfile.gettempdir(), "seen"), "a").write("x")
    return {
        "pid": os.getpid(),
        "path": sys.path,
        "cwd": os.getcwd(),
        "environment": dict(os.environ),
        "arn": context.invoked_function_arn,
        "temporary": os.listdir(tempfile.gettempdir()),
        "found": [name for name in ("boto3", "ministack", "pydantic", "tests") if importlib.util.find_spec(name)],
    }
"""

FAILING = """
def inner():
    raise LookupError("no such hat")

def handler(event, context):
    inner()
"""

BROKEN = """
import os, pathlib, tempfile

attempts = pathlib.Path(tempfile.gettempdir(), "attempts")
with attempts.open("a") as file:
    file.write("x")
raise RuntimeError(f"init {len(attempts.read_text())}")
"""

ASKING = """
def handler(event, context):
    return context.client_context and context.client_context.custom
"""

DYING = """
import os, time

def handler(event, context):
    if "sleep" in event:
        if os.fork() == 0:
            time.sleep(60)
        time.sleep(event["sleep"])
    os._exit(7)
"""


def invoke(aws: LocalAws, name: str, event: object = None, **how: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), **how)
    return json.loads(answer["Payload"].read()), answer


def test_a_function_finds_what_it_brings_and_nothing_of_the_emulator(local_aws: LocalAws) -> None:
    seen, _ = invoke(local_aws, create(local_aws, LOOKING))
    assert seen["found"] == []
    assert seen["cwd"] == seen["path"][0] == seen["environment"]["LAMBDA_TASK_ROOT"]
    assert not {"VIRTUAL_ENV", "GATEWAY_PORT", "DROPSHIFT_LOCAL_AWS", "PYTHONPATH"} & seen["environment"].keys()
    assert seen["environment"]["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"


def test_an_environment_is_reused_and_its_tmp_is_its_own(local_aws: LocalAws) -> None:
    first, second = create(local_aws, LOOKING), create(local_aws, LOOKING)
    one, again, other = (invoke(local_aws, name)[0] for name in (first, first, second))
    assert one["pid"] == again["pid"] != other["pid"]
    assert one["temporary"] == other["temporary"] == ["seen"]
    assert one["environment"]["TMPDIR"] != other["environment"]["TMPDIR"]


def test_a_function_learns_what_its_synchronous_caller_says_of_itself(local_aws: LocalAws) -> None:
    name, said = create(local_aws, ASKING), {"custom": {"käse": "ja"}}
    context = base64.b64encode(json.dumps(said).encode()).decode()
    assert invoke(local_aws, name, ClientContext=context)[0] == said["custom"]
    assert invoke(local_aws, name)[0] is None


def test_an_exception_has_the_type_and_trace_the_runtime_gives_it(local_aws: LocalAws) -> None:
    error, answer = invoke(local_aws, create(local_aws, FAILING))
    assert answer["FunctionError"] == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "no such hat")
    assert [line.split(", ")[1:] for line in error["stackTrace"]] == [
        ["line 6", "in handler\n    inner()\n"],
        ["line 3", 'in inner\n    raise LookupError("no such hat")\n'],
    ]


def test_init_that_fails_is_repeated_once_in_the_first_invocation_and_tmp_survives(local_aws: LocalAws) -> None:
    error, _ = invoke(local_aws, create(local_aws, BROKEN))
    assert (error["errorType"], error["errorMessage"]) == ("RuntimeError", "init 2")


def test_a_function_that_overruns_is_killed_with_all_it_forked(local_aws: LocalAws) -> None:
    name = create(local_aws, DYING, Timeout=1)
    error, _ = invoke(local_aws, name, {"sleep": 60})
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert not _running_in(local_aws, name)


def test_a_runtime_that_exits_is_an_error_and_the_next_call_starts_a_new_one(local_aws: LocalAws) -> None:
    name = create(local_aws, DYING)
    for _ in range(2):
        error, _ = invoke(local_aws, name)
        assert (error["errorType"], error["errorMessage"]) == (
            "Runtime.ExitError",
            "Runtime exited with error: exit status 7",
        )


def test_a_killed_function_starts_anew(local_aws: LocalAws) -> None:
    name = create(local_aws, LOOKING)
    before, _ = invoke(local_aws, name)
    local_aws.kill(name)
    after, _ = invoke(local_aws, name)
    assert before["pid"] != after["pid"]


def test_what_a_function_says_is_in_its_log_group(local_aws: LocalAws) -> None:
    name = create(local_aws, "def handler(event, context): print('a hat', event['colour'])")
    invoke(local_aws, name, {"colour": "red"})
    assert "a hat red" in local_aws.logs(name)


def _running_in(aws: LocalAws, name: str) -> list[int]:
    """Processes whose temporary directory is one of the function's environments."""
    mark = f"{aws.directory}/environments/{name}-".encode()
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _content(path)]


def _content(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
