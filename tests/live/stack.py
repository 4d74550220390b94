"""The deployed stack as people use it, and applications to drop."""

import base64
import json
import os
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from deployer.model.drop import Drop
from deployer.model.status import Status
from tests.deployment import APPLICATION, Deployed, Deployment
from tests.live.account import Account
from tests.local.waiting import until

_HANDLER = """
import hashlib
import pathlib
RELEASE = {release!r}
HERE = pathlib.Path(__file__).parent

def lambda_handler(event, context):
    if {failing!r} and "dropshift" not in event:
        raise RuntimeError("failing on purpose")
    if "read" in event:
        return hashlib.sha256((HERE / event["read"]).read_bytes()).hexdigest()
    files = [path for path in HERE.rglob("*") if path.is_file()]
    return {{"release": RELEASE, "size": sum(path.stat().st_size for path in files)}}
"""
NAME = "the live tests"
_SAID_BY = base64.b64encode(json.dumps({"custom": {"by": NAME}}).encode()).decode()
_PIECE = 16 << 20
_REPORT = re.compile(r"Init Duration: ([\d.]+) ms")


@dataclass(frozen=True)
class Delivered(Deployed):
    """A stack in an account."""

    account: Account
    name: str
    outputs: dict[str, str]
    how: ClassVar = {"ClientContext": _SAID_BY}

    def client(self, service: str) -> Any:  # noqa: ANN401 - one client class a service
        return self.account.client(service)

    def release(self, name: str, manifest: str = "") -> dict[str, Any]:
        """Drop an archive and wait until it has ended; return its record."""
        with tempfile.TemporaryDirectory() as folder:
            return self.ended(self.drop(name, packed(Path(folder), name, manifest)), 900)

    def drop(self, release: str, archive: Path) -> Drop:
        """Upload an archive as the command line does: in parts when it is large."""
        bucket, key = self.outputs["ReleasesBucket"], f"{APPLICATION}/{release}.zip"
        s3 = self.account.client("s3")
        s3.upload_file(str(archive), bucket, key)
        return Drop(bucket=bucket, key=key, version_id=s3.head_object(Bucket=bucket, Key=key)["VersionId"])

    def reaches(self, drop: Drop, status: Status, minutes: float = 15) -> dict[str, Any]:
        """Wait until a release has a status, and traffic if that means some; fail when it has ended with another."""

        def there() -> dict[str, Any]:
            record = self.record(drop)
            found = Status(record["status"]) if record else Status.RECEIVED
            assert found is status or not found.final, record
            return record if found is status else {}

        record = until(there, minutes * 60)
        if status is Status.SHIFTING:
            until(lambda: self.traffic[1], 60)  # the record comes before the alias
        return record

    def ask_often(self, times: int, together: int = 1) -> Counter[str]:
        """Call the alias many times, some of them at once; how often each version answered."""
        with ThreadPoolExecutor(together) as pool:
            return Counter(version for version, _ in pool.map(lambda _: self.ask(), range(times)))

    def log(self) -> Iterator[str]:
        """Yield the lines that the application's function wrote."""
        pages = self.account.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=f"/aws/lambda/{self.function}"):
            for event in page["events"]:
                yield event["message"]

    def starts(self) -> list[float]:
        """Return the durations of all inits so far, in ms, as Lambda's REPORT lines give them."""
        return [float(found[1]) for line in self.log() for found in _REPORT.finditer(line)]

    def loads(self, release: str) -> list[dict[str, Any]]:
        """Return the bootstrap's log line of each load of a release."""
        lines = (json.loads(line) for line in self.log() if '"release.loaded"' in line and line.startswith("{"))
        return [line for line in lines if line["release"] == release]


_A_DEPLOYMENT: type[Deployment] = Delivered
"""For mypy: tests/deployment.py has what all worlds of the tests have in common."""


def packed(directory: Path, release: str, plan: str = "", size: int = 0, *, failing: bool = False) -> Path:
    """Make an archive: a handler that returns its release, a manifest, and `size` bytes that nothing compresses.

    The handler of a release that is called broken does not start.
    """
    path, end = directory / f"{release}.zip", "raise RuntimeError\n" if "broken" in release else ""
    handler = _HANDLER.format(release=release, failing=failing) + end
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("lambda_function.py", handler)
        if plan:
            archive.writestr("dropshift.toml", plan)
        for number in range(-(-size // _PIECE)):
            archive.writestr(f"data/{number:04}.bin", os.urandom(min(_PIECE, size - number * _PIECE)))
    return path
