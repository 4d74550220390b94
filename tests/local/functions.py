"""Small functions for tests: from a few lines of source to an Active function."""

import itertools
import json
import sysconfig
import time
from collections.abc import Mapping
from typing import Any

from tests.deployment import zipped
from tests.local.aws import LocalAws
from tests.local.configuration import ACCOUNT

ROLE = f"arn:aws:iam::{ACCOUNT}:role/of/tests/test"
WITH_PACKAGES = {"PYTHONPATH": sysconfig.get_path("purelib")}
"""For a function that may import what this project has installed; without it, it finds what it brings."""

_ASKING = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    try:
        getattr(boto3.client(event["service"]), event["operation"])(**event["parameters"])
    except ClientError as error:
        return error.response["Error"]["Code"].removesuffix("Exception")
    return "allowed"
"""
_HEARD = "heard "
_numbers = itertools.count(1)


def create(aws: LocalAws, source: str, **settings: Any) -> str:  # noqa: ANN401 - CreateFunction's own
    """Create a Python function from the text of its module, `app.handler` being its handler: its name."""
    name = f"test-{next(_numbers)}"
    request = {"Runtime": "python3.13", "Handler": "app.handler", "Role": ROLE, "Timeout": 10} | settings
    aws.client("lambda").create_function(FunctionName=name, Code={"ZipFile": package(source)}, **request)
    await_update(aws, name)
    return name


def asking(aws: LocalAws, role: str) -> str:
    """Create a function that makes the calls of a test, with the permissions of its role: its name."""
    return create(aws, _ASKING, Role=role, Timeout=30, Environment={"Variables": WITH_PACKAGES})


def ask(aws: LocalAws, name: str, service: str, operation: str, **parameters: object) -> str:
    """Have an `asking` function call AWS: "allowed", or the code of the error."""
    event = {"service": service, "operation": operation, "parameters": parameters}
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return str(json.loads(answer["Payload"].read()))


def await_update(aws: LocalAws, name: str) -> None:
    """Wait until `name` is Active and its last update is through."""
    client = aws.client("lambda")
    while client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "InProgress":
        time.sleep(0.05)


def package(source: str) -> bytes:
    """Make a deployment package of one module, `app`."""
    return zipped({"app.py": source})


def role(
    aws: LocalAws,
    name: str,
    *statements: Mapping[str, object],
    path: str = "/of/tests/",
    tags: Mapping[str, str] | None = None,
) -> str:
    """Make a role of functions, to which these statements apply: its ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    tagged = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    made = aws.client("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=policy(trust), Tags=tagged)
    if statements:
        grant(aws, name, *statements)
    return str(made["Role"]["Arn"])


def grant(aws: LocalAws, name: str, *statements: Mapping[str, object]) -> None:
    """Attach a policy of these statements to a role."""
    aws.client("iam").put_role_policy(RoleName=name, PolicyName="granted", PolicyDocument=policy(*statements))


def policy(*statements: Mapping[str, object]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def listener(aws: LocalAws) -> str:
    """Create a function that logs every event it is invoked with, for `heard`: its name."""
    return create(aws, f"import json\ndef handler(event, context): print({_HEARD!r} + json.dumps(event))")


def heard(aws: LocalAws, name: str) -> list[Any]:
    """Return the events a `listener` was invoked with so far, in the order of their ends."""
    if not aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]:
        return []
    return [json.loads(line.removeprefix(_HEARD)) for line in aws.logs(name) if line.startswith(_HEARD)]


def listen(
    aws: LocalAws,
    name: str,
    pattern: dict[str, Any],
    *,
    permit_it: bool = True,
    **target: Any,  # noqa: ANN401 - PutTargets' own
) -> str:
    """Send the events on the default bus that match `pattern` to the function `name`: the rule's ARN."""
    arn = aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    rule: str = aws.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    aws.client("events").put_targets(Rule=name, Targets=[{"Id": name, "Arn": arn, **target}])
    if permit_it:
        permit(aws, name, "events.amazonaws.com", SourceArn=rule)
    return rule


def permit(aws: LocalAws, name: str, service: str, **source: str) -> None:
    """Let a service invoke the function `name` for a source."""
    statement = {"StatementId": f"let-{service.partition('.')[0]}", "Action": "lambda:InvokeFunction"}
    aws.client("lambda").add_permission(FunctionName=name, Principal=service, **statement, **source)
