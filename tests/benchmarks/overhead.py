"""The bootstrap's own cost: python -m tests.benchmarks.overhead. Size of its package, time to the first request.

That time is taken in a bare interpreter, as for boto3's client, and under the runtime's client, which has imported much
of the same before.

A warm call costs nothing: the runtime holds the application's own function (tests/end_to_end/test_bootstrap_fidelity).
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bootstrap.pointer import VARIABLE, Pointer
from tests.applications import CREDENTIALS, MAIN, call, dropped, package, release, write
from tests.object_store import ObjectStore, serving

ROUNDS = 15
START = f"import sys, time; began = time.time(); sys.path.insert(0, {str(package())!r}); import bootstrap\n"
TELL = """\
def tell(event, given):
    if event == "exec" and given[0].co_filename.endswith("/bootstrap.py"):
        print("began", time.time(), flush=True)
sys.addaudithook(tell)
"""
OURS = f"{START}try: bootstrap.handler\nfinally: print(began)\n"
BOTO = "import time; began = time.time(); import boto3; boto3.client('s3'); print(time.time() - began)\n"


def main() -> None:
    """Print the figures as JSON."""
    size = sum(path.stat().st_size for path in package().rglob("*") if path.is_file())
    figures = {
        "package_bytes": size,
        "first_request_s": _first_request(_in_bare_interpreter),
        "first_request_under_the_runtime_s": _first_request(_under_runtime),
        "boto3_client_s": _boto3(),
    }
    print(json.dumps(figures, indent=1))


def _first_request(start: Callable[[Pointer, ObjectStore, Path], float]) -> float:
    """Return the median time from the bootstrap's import to the arrival of its first request."""
    with serving(ObjectStore()) as store, tempfile.TemporaryDirectory() as folder:
        pointer = release(write(Path(folder) / "tree", {"app.py": "handler = print\n"})).stored(store)
        arrived: list[float] = []
        store.misbehave = lambda _number: arrived.append(time.time())
        took = []
        for number in range(ROUNDS):
            arrived.clear()
            began = start(pointer, store, Path(folder) / str(number))
            took.append(arrived[0] - began)
    return round(statistics.median(took), 4)


def _in_bare_interpreter(pointer: Pointer, store: ObjectStore, directory: Path) -> float:
    variables = {"TMPDIR": str(directory), VARIABLE: pointer.encode(), "AWS_ENDPOINT_URL_S3": store.url}
    return float(_run(OURS, variables | CREDENTIALS).splitlines()[-1])


def _under_runtime(pointer: Pointer, store: ObjectStore, directory: Path) -> float:
    with dropped(pointer, store, directory, main=MAIN.replace("client.main(", TELL + "client.main(")) as environment:
        output = call(environment).output
    return float(output.partition("began ")[2].split()[0])


def _boto3() -> float:
    return round(statistics.median(float(_run(BOTO, {"AWS_DEFAULT_REGION": "eu-central-1"})) for _ in range(5)), 4)


def _run(code: str, variables: dict[str, str]) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=variables, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
