"""Dropshift deployed from template.yaml to a local AWS, used as people use it: S3 and `lambda invoke`."""

import io
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from backports import zstd

from bootstrap.index import Index
from bootstrap.pointer import VARIABLE, Pointer
from deployer.model.drop import SIGNATURE_SUFFIX, Drop
from deployer.model.status import Status
from tests.deployment import APPLICATION, AT_ONCE, Deployed, zipped
from tests.local import LocalAws
from tests.local.calls import Call
from tests.signing import Signer

NAME = "dropshift"
FUNCTION = f"{NAME}-app-{APPLICATION}"
CANARY = '[rollout]\nstages = [{ weight = 30, bake = "3m" }, { weight = 60, bake = "3m" }]\n'
"""Three minutes pass in three seconds."""


def serving(release: str, body: str = "") -> str:
    """Make the source of a handler that returns its release."""
    return f"RELEASE = {release!r}\n\ndef lambda_handler(event, context):\n    {body or 'pass'}\n    return RELEASE\n"


class Stack(Deployed):
    """The deployed stack."""

    def __init__(
        self,
        aws: LocalAws,
        signer: Signer | None = None,
        runtime: str = "python3.13",
        given: Mapping[str, str] | None = None,
    ) -> None:
        self.aws = aws
        self._signer = signer
        parameters = {"MaxProvisionedConcurrency": "1"} | ({"SigningKey": signer.arn} if signer else {})
        self.outputs = aws.dropshift(parameters | dict(given or {}), runtime)
        self.lambda_ = aws.client("lambda")
        self.s3 = aws.client("s3")

    def client(self, service: str) -> Any:  # noqa: ANN401 - one client class a service
        return self.aws.client(service)

    def drop(
        self,
        release: str,
        files: Mapping[str, str | bytes] | None = None,
        manifest: str = CANARY,
        application: str = APPLICATION,
    ) -> Drop:
        """Upload an archive as any client does, in parts above 8 MiB; return which object version it is."""
        body = zipped({"lambda_function.py": serving(release), "dropshift.toml": manifest, **(files or {})})
        bucket, key = self.outputs["ReleasesBucket"], f"{application}/{release}.zip"
        if self._signer:
            signature = self._signer.sign(body, key)
            self.s3.put_object(Bucket=bucket, Key=key + SIGNATURE_SUFFIX, Body=signature.encode())
        self.s3.upload_fileobj(io.BytesIO(body), bucket, key)
        return Drop(bucket=bucket, key=key, version_id=self.s3.head_object(Bucket=bucket, Key=key)["VersionId"])

    def release(self, name: str, manifest: str = CANARY) -> dict[str, Any]:
        """Drop an archive and wait until it has ended; return its record."""
        broken = {"lambda_function.py": serving(name) + "raise RuntimeError\n"} if "broken" in name else None
        return self.ended(self.drop(name, broken, manifest))

    def live(self, release: str, **kwargs: Any) -> Drop:  # noqa: ANN401 - as drop takes
        """Drop a release that all traffic may go to at once, and wait until it is live."""
        drop = self.drop(release, manifest=AT_ONCE, **kwargs)
        record = self.ended(drop)
        assert record["status"] == Status.LIVE, record
        return drop

    def index(self, version: str) -> Index:
        """Read the index of the bundle that a version points at."""
        found = self.lambda_.get_function_configuration(FunctionName=FUNCTION, Qualifier=version)
        pointer = Pointer.parse(found["Environment"]["Variables"][VARIABLE])
        body = self.s3.get_object(
            Bucket=pointer.bucket,
            Key=pointer.key,
            VersionId=pointer.version,
            Range=f"bytes={pointer.offset}-{pointer.offset + pointer.size - 1}",
        )["Body"].read()
        return Index.parse(zstd.decompress(body))

    def profile(self, runtime: str) -> dict[str, Any]:
        """Read what the latest recorded start on a runtime touched."""
        key = f"profiles/{APPLICATION}/{runtime}.json"
        found: dict[str, Any] = json.loads(
            self.s3.get_object(Bucket=self.outputs["BundlesBucket"], Key=key)["Body"].read()
        )
        return found

    def set_alarm(self, state: str) -> None:
        """Put the application's error alarm into a state; CloudWatch itself looks again a minute later."""
        self.aws.client("cloudwatch").set_alarm_state(
            AlarmName=f"{FUNCTION}-errors", StateValue=state, StateReason="a test"
        )

    def letters(self, queue: str) -> list[dict[str, Any]]:
        """Read what lies in one of the stack's queues, given by its logical id; it stays there."""
        found = self.aws.client("cloudformation").describe_stack_resource(StackName=NAME, LogicalResourceId=queue)
        url = found["StackResourceDetail"]["PhysicalResourceId"]
        received = self.aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in received.get("Messages", [])]

    def moves(self) -> list[Call]:
        """Return every write of an alias so far, the stack's own creation left out."""
        return [call for call in self.aws.calls() if call.action == "UpdateAlias"]

    @contextmanager
    def callers(self) -> Iterator[Counter[str]]:
        """Call the alias all the while, some thirty times a second; count what answered."""
        stop, counts = threading.Event(), Counter[str]()

        def call() -> None:
            while not stop.wait(0.03):
                version, answer = self.ask()
                counts[version if isinstance(answer, str) else f"{version} failed"] += 1

        thread = threading.Thread(target=call)
        thread.start()
        try:
            yield counts
        finally:
            stop.set()
            thread.join()
