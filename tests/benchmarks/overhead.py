"""What the bootstrap itself costs: python -m tests.benchmarks.overhead. Size of its package, time to the first request.

A warm call costs nothing: the runtime holds the application's own function (tests/end_to_end/test_bootstrap_fidelity).
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bootstrap.pointer import VARIABLE
from tests.applications import CREDENTIALS, package, release, write
from tests.object_store import ObjectStore, serving

ROUNDS = 15
START = f"import sys, time; began = time.time(); sys.path.insert(0, {str(package())!r}); import bootstrap\n"
OURS = f"{START}try: bootstrap.handler\nfinally: print(began)\n"
BOTO = "import time; began = time.time(); import boto3; boto3.client('s3'); print(time.time() - began)\n"


def main() -> None:
    """Print the figures as JSON."""
    size = sum(path.stat().st_size for path in package().rglob("*") if path.is_file())
    figures = {"package_bytes": size, "first_request_s": _first_request(), "boto3_client_s": _boto3()}
    print(json.dumps(figures, indent=1))


def _first_request() -> float:
    """Give the median time from the bootstrap's import to the arrival of its first request."""
    with serving(ObjectStore()) as store, tempfile.TemporaryDirectory() as folder:
        pointer = release(write(Path(folder) / "tree", {"app.py": "handler = print\n"})).stored(store)
        arrived: list[float] = []
        store.misbehave = lambda _number: arrived.append(time.time())
        took = []
        for number in range(ROUNDS):
            arrived.clear()
            variables = {"TMPDIR": f"{folder}/{number}", VARIABLE: pointer.encode(), "AWS_ENDPOINT_URL_S3": store.url}
            done = _run(OURS, variables | CREDENTIALS)
            took.append(arrived[0] - float(done.splitlines()[-1]))
    return round(statistics.median(took), 4)


def _boto3() -> float:
    return round(statistics.median(float(_run(BOTO, {"AWS_DEFAULT_REGION": "eu-central-1"})) for _ in range(5)), 4)


def _run(code: str, variables: dict[str, str]) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=variables, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
