"""The configuration read of an application's function, compared with botocore's model of the answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import Stubber

from deployer.aws.functions import Functions
from deployer.model.drop import VersionDescription
from deployer.model.function import FunctionConfiguration

ROLE, QUEUE = "arn:aws:iam::123456789012:role/orders", "arn:aws:sqs:eu-west-1:123456789012:lost"
ANSWER = {"Runtime": "python3.13", "Architectures": ["arm64"], "MemorySize": 512, "Timeout": 30, "Role": ROLE}
DROPPED = {"release_id": "0" * 32, "key_id": "0" * 8, "dropped": datetime(2026, 11, 27, tzinfo=UTC), "label": "1.0"}
LIVE = VersionDescription.model_validate(DROPPED).encode()
ERROR = {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt the variables"}
PATHS = {"PYTHONPATH": "/var/task/src:/mnt/x", "NODE_PATH": "/opt/nodejs/node_modules", "OTHER": "secret"}


def read(latest: dict[str, Any], live: dict[str, Any], provisioned: Sequence[str] = ()) -> FunctionConfiguration:
    """Read a function of which Lambda answers so."""
    client = boto3.client("lambda", "eu-west-1", config=Config(signature_version=UNSIGNED))
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
    configs = [{"FunctionArn": f"{arn}:{name}", "RequestedProvisionedConcurrentExecutions": 3} for name in provisioned]
    with Stubber(client) as stubber:
        stubber.add_response(
            "get_function", {"Configuration": latest}, {"FunctionName": "orders", "Qualifier": "$LATEST"}
        )
        stubber.add_response("get_function", {"Configuration": live}, {"FunctionName": "orders", "Qualifier": "live"})
        stubber.add_response("list_provisioned_concurrency_configs", {"ProvisionedConcurrencyConfigs": configs})
        return Functions(client, client, client, "live").configuration("orders")


@pytest.mark.parametrize(
    ("runtime", "path"),
    [("python3.13", ("/var/task/src", "/mnt/x")), ("nodejs24.x", ("/opt/nodejs/node_modules",))],
)
def test_layers_and_the_runtime_s_own_path_are_read(runtime: str, path: tuple[str, ...]) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:Datadog:1"
    layered = {"Runtime": runtime, "Layers": [{"Arn": arn}], "Environment": {"Variables": PATHS}}
    found, plain = read(ANSWER | layered, ANSWER), read(ANSWER, ANSWER)
    assert (found.layers, found.module_path) == ((arn,), path)
    assert (plain.layers, plain.module_path) == ((), ())
    assert "secret" not in found.model_dump_json()


def test_what_the_next_version_has_not_alike_with_the_live_release_is_read() -> None:
    other = {"Role": f"{ROLE}-2", "DeadLetterConfig": {"TargetArn": QUEUE}}
    live = ANSWER | {"Description": LIVE}
    assert read(ANSWER | other, live).differs == ("execution role", "dead letter queue")
    assert read(ANSWER, live | {"DeadLetterConfig": {}}).differs == ()
    assert read(ANSWER | other, ANSWER | {"Description": "no release yet"}).differs == ()


def test_provisioned_concurrency_of_the_alias_is_not_that_of_a_version() -> None:
    assert read(ANSWER, ANSWER, ["7", "live"]).alias_has_concurrency
    assert not read(ANSWER, ANSWER, ["7", "not-live"]).alias_has_concurrency


def test_variables_that_aws_does_not_decrypt_are_an_error_and_not_an_empty_environment() -> None:
    """Source: AWS Lambda API reference, EnvironmentResponse: `Error` in place of `Variables`."""
    found = read(ANSWER | {"Environment": {"Error": ERROR}}, ANSWER)
    assert found.environment_error == ERROR["Message"]
    assert (found.module_path, read(ANSWER, ANSWER).environment_error) == ((), "")
