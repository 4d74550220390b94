"""Drop archives one after the other on a fresh local AWS, and print what the records say: deploy_driver.py ARCHIVE ...

Runs in any checkout, also an earlier one: it uses the local AWS, S3 and Lambda, and nothing of the deployer's modules.
"""

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.local import LocalAws

ENDS = ("live", "rejected", "failed", "rolled-back", "aborted", "superseded", "overtaken", "duplicate")
MOMENTS = {
    "inspect_s": ("received", "inspected"),
    "bundle_s": ("inspected", "bundled"),
    "publish_s": ("bundled", "published"),
    "smoke_test_s": ("published", "smoke test passed"),
    "smoke_s": ("received", "smoke test passed"),
    "live_s": ("received", "live"),
}
"""Seconds between two moments of a record's timeline."""
AFTERWARDS = "release.strengthen_bundle"
"""The line of the log after which an execution is over, where there is such a step."""
FUNCTION = "dropshift-app-hello"
PATIENCE = 900


def main() -> None:
    """Print a JSON object a drop, in their order."""
    with LocalAws() as aws:
        outputs = aws.dropshift() if hasattr(aws, "dropshift") else aws.deploy("dropshift")
        for number, archive in enumerate(sys.argv[1:], 1):
            name = f"{number}-{Path(archive).stem}"
            aws.client("s3").upload_file(archive, outputs["ReleasesBucket"], f"hello/{name}.zip")
            record = _ended(aws, outputs["BundlesBucket"], name)
            if record["status"] != "live":
                sys.exit(f"{name} ended {record['status']}: {record['reason']}")
            print(json.dumps(_told(record) | {"bundle_bytes": _bundle(aws, record["version"])}), flush=True)
            _await_the_end(aws, number)


def _ended(aws: LocalAws, bucket: str, name: str) -> dict[str, Any]:
    """Return the record of a release once it has ended."""
    s3, until = aws.client("s3"), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="records/hello/").get("Contents", [])
        for key in (one["Key"] for one in listed if one["Key"].endswith(".json")):
            record: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            if record["release"] == name and record["status"] in ENDS:
                return record
        time.sleep(0.2)  # the record's own times count, not when they are seen
    sys.exit(f"{name} did not end")


def _told(record: dict[str, Any]) -> dict[str, Any]:
    at = {entry["what"].partition(":")[0].split(" as ")[0]: entry["at"] for entry in record["timeline"]}
    times = {what: datetime.fromisoformat(moment) for what, moment in at.items()}
    seconds = {name: (times[end] - times[begin]).total_seconds() for name, (begin, end) in MOMENTS.items()}
    return {**seconds, "steps": record.get("seconds", {})}


def _bundle(aws: LocalAws, version: str) -> int:
    found = aws.client("lambda").get_function_configuration(FunctionName=FUNCTION, Qualifier=version)
    pointer = json.loads(found["Environment"]["Variables"]["DROPSHIFT_POINTER"])
    where = {"Bucket": pointer["bucket"], "Key": pointer["key"], "VersionId": pointer["version"]}
    return int(aws.client("s3").head_object(**where)["ContentLength"])


def _await_the_end(aws: LocalAws, drops: int) -> None:
    """Wait until nothing of the rollout works any more: the next drop comes hours later."""
    if not any(Path("deployer").rglob("bundling.py")):
        return
    until = time.monotonic() + PATIENCE
    while sum(AFTERWARDS in line for line in aws.logs("dropshift-rollout")) < drops:
        if time.monotonic() > until:
            sys.exit("the rollout did not end")
        time.sleep(0.5)  # nothing is measured meanwhile


if __name__ == "__main__":
    main()
