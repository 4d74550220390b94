"""The deployed stack as people use it, and applications to drop."""

import base64
import json
import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.model.alias import ADMINISTRATION
from deployer.model.drop import Drop
from deployer.model.status import Status
from tests.live.account import APPLICATION, Account
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
class Delivered:
    """A stack in an account."""

    account: Account
    name: str
    outputs: dict[str, str]

    @property
    def function(self) -> str:
        """The application's function."""
        return self.outputs["FunctionPrefix"] + APPLICATION

    def drop(self, release: str, archive: Path) -> Drop:
        """Upload an archive as the command line does: in parts when it is large."""
        bucket, key = self.outputs["ReleasesBucket"], f"{APPLICATION}/{release}.zip"
        s3 = self.account.client("s3")
        s3.upload_file(str(archive), bucket, key)
        return Drop(bucket=bucket, key=key, version_id=s3.head_object(Bucket=bucket, Key=key)["VersionId"])

    def command(self, action: str, **fields: object) -> dict[str, Any]:
        """Invoke the controller by hand."""
        payload = json.dumps({"action": action, "application": APPLICATION, **fields})
        alias = ADMINISTRATION if action == "prune" or fields.get("force") else APPLICATION
        return self.invoke(payload, Qualifier=alias, ClientContext=_SAID_BY)

    def invoke(self, payload: str, **through: str) -> dict[str, Any]:
        """Invoke the controller; it must not fail."""
        function = self.outputs["Controller"]
        answer = self.account.client("lambda").invoke(FunctionName=function, Payload=payload, **through)
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, found
        return found

    def record(self, drop: Drop) -> dict[str, Any]:
        """The record of a release; empty when there is none yet."""
        releases = self.command("history", limit=100)["releases"]
        return next((one for one in releases if one["release_id"] == drop.release_id), {})

    def reaches(self, drop: Drop, status: Status, minutes: float = 15) -> dict[str, Any]:
        """Wait until a release has a status; fail when it has ended with another."""

        def there() -> dict[str, Any]:
            record = self.record(drop)
            found = Status(record["status"]) if record else Status.RECEIVED
            assert found is status or not found.final, record
            return record if found is status else {}

        return until(there, minutes * 60)

    def ask(self, payload: str = "{}") -> tuple[str, Any]:
        """Call the alias; the version that answered, and its answer."""
        answer = self.account.client("lambda").invoke(FunctionName=self.function, Qualifier="live", Payload=payload)
        return answer["ExecutedVersion"], json.loads(answer["Payload"].read())

    def ask_often(self, times: int, together: int = 1) -> Counter[str]:
        """Call the alias many times, some of them at once; how often each version answered."""
        with ThreadPoolExecutor(together) as pool:
            return Counter(version for version, _ in pool.map(lambda _: self.ask(), range(times)))

    @property
    def traffic(self) -> tuple[str, dict[str, float]]:
        """The alias: the stable version, and the weights of others."""
        alias = self.account.client("lambda").get_alias(FunctionName=self.function, Name="live")
        return alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})

    def log(self) -> Iterator[str]:
        """The lines that the application's function wrote."""
        pages = self.account.client("logs").get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=f"/aws/lambda/{self.function}"):
            for event in page["events"]:
                yield event["message"]

    def starts(self) -> list[float]:
        """The durations of all inits so far, in ms, as Lambda's REPORT lines give them."""
        return [float(found[1]) for line in self.log() for found in _REPORT.finditer(line)]

    def loads(self, release: str) -> list[dict[str, Any]]:
        """Return the bootstrap's log line of each load of a release."""
        lines = (json.loads(line) for line in self.log() if '"release.loaded"' in line and line.startswith("{"))
        return [line for line in lines if line["release"] == release]


def packed(directory: Path, release: str, plan: str = "", size: int = 0, *, failing: bool = False) -> Path:
    """Make an archive: a handler that tells its release, a plan, and `size` bytes that nothing compresses."""
    path = directory / f"{release}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("lambda_function.py", _HANDLER.format(release=release, failing=failing))
        if plan:
            archive.writestr("dropshift.toml", plan)
        for number in range(-(-size // _PIECE)):
            archive.writestr(f"data/{number:04}.bin", os.urandom(min(_PIECE, size - number * _PIECE)))
    return path
