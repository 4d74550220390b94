"""What is read of an application's function, held against botocore's model of the answer."""

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.stub import Stubber

from deployer.aws.functions import Functions

ANSWER = {"Runtime": "python3.13", "Architectures": ["arm64"], "MemorySize": 512, "Timeout": 30}
PATHS = {"PYTHONPATH": "/var/task/src:/mnt/x", "NODE_PATH": "/opt/nodejs/node_modules", "OTHER": "secret"}


@pytest.mark.parametrize(
    ("runtime", "path"),
    [("python3.13", ("/var/task/src", "/mnt/x")), ("nodejs24.x", ("/opt/nodejs/node_modules",))],
)
def test_layers_and_the_runtime_s_own_path_are_read(runtime: str, path: tuple[str, ...]) -> None:
    client = boto3.client("lambda", "eu-west-1", config=Config(signature_version=UNSIGNED))
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:Datadog:1"
    layered = {"Runtime": runtime, "Layers": [{"Arn": arn}], "Environment": {"Variables": PATHS}}
    with Stubber(client) as stubber:
        stubber.add_response("get_function_configuration", ANSWER | layered, {"FunctionName": "orders"})
        stubber.add_response("get_function_configuration", ANSWER, {"FunctionName": "orders"})
        functions = Functions(client, client, client, "live")
        found, plain = functions.configuration("orders"), functions.configuration("orders")
    assert (found.layers, found.module_path) == ((arn,), path)
    assert (plain.layers, plain.module_path) == ((), ())
    assert "secret" not in found.model_dump_json()


def test_variables_that_aws_does_not_decrypt_are_an_error_and_not_an_empty_environment() -> None:
    client = boto3.client("lambda", "eu-west-1", config=Config(signature_version=UNSIGNED))
    error = {"ErrorCode": "AccessDeniedException", "Message": "not authorized to perform: kms:Decrypt"}
    with Stubber(client) as stubber:
        stubber.add_response("get_function_configuration", ANSWER | {"Environment": {"Error": error}})
        found = Functions(client, client, client, "live").configuration("orders")
    assert found.environment_error == error["Message"]
    assert found.module_path == ()
