"""Every call to AWS: takes and returns the deployer's values, and decides nothing."""

from dataclasses import dataclass
from functools import cache

import boto3
from botocore.config import Config

from deployer.aws.applications import Applications
from deployer.aws.bundles_bucket import BundlesBucket
from deployer.aws.eventbridge import EventPublisher
from deployer.aws.executions import Executions
from deployer.aws.functions import Functions
from deployer.aws.kms import SignatureVerifier
from deployer.aws.logs import Logs
from deployer.aws.metrics import Metrics
from deployer.aws.records import Records
from deployer.aws.releases_bucket import ReleasesBucket
from deployer.aws.s3 import name_owner
from deployer.aws.throttling import go_first
from deployer.settings import Settings, settings

_RETRIES = Config(retries={"mode": "standard", "total_max_attempts": 10}, connect_timeout=5, read_timeout=60)
"""About a minute of retries: with half of all calls throttled, one call in a thousand fails."""
_QUICK = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=5)
"""An announcement is not worth a long wait."""
_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2)
"""The details of a reason are not worth a wait, because a rollback waits for them."""
_INVOKE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=890)
"""The SDK never retries an invocation by itself, and it may take as long as a function can run."""


@dataclass(frozen=True)
class Aws:
    """The services the deployer uses."""

    applications: Applications
    functions: Functions
    executions: Executions
    releases: ReleasesBucket
    bundles: BundlesBucket
    records: Records
    metrics: Metrics
    logs: Logs
    publisher: EventPublisher
    verifier: SignatureVerifier

    @classmethod
    def connect(cls, settings: Settings, session: boto3.Session) -> "Aws":
        """Make the clients of a session."""
        s3 = session.client("s3", config=_RETRIES)
        name_owner(s3, settings.account_id)
        records = Records(s3, settings)
        client, alias_client = (session.client("lambda", config=_RETRIES) for _ in range(2))
        if settings.answers_commands:
            go_first(client)
            go_first(alias_client)
        functions = Functions(
            client=client,
            alias_client=alias_client,
            invoker=session.client("lambda", config=_INVOKE),
            alias=settings.alias,
        )
        applications = Applications(functions, records, settings)
        return cls(
            applications=applications,
            functions=functions,
            executions=Executions(session.client("lambda", config=_RETRIES), settings),
            releases=ReleasesBucket(s3, settings),
            bundles=BundlesBucket(s3, settings),
            records=records,
            metrics=Metrics(session.client("cloudwatch", config=_RETRIES), settings, applications),
            logs=Logs(lambda: session.client("logs", config=_ONCE)),
            verifier=SignatureVerifier(session.client("kms", config=_RETRIES)),
            publisher=EventPublisher(session.client("events", config=_QUICK), settings),
        )


@cache
def aws() -> Aws:
    """Connect once, on the first call."""
    return Aws.connect(settings(), boto3.Session())
