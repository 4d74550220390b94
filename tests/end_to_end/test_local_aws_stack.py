"""The local AWS deploys a SAM template: builds with make, keeps functions durable, leaves moved aliases alone."""

from pathlib import Path
from typing import Any

import pytest

from tests.live.account import stop_executions
from tests.local import LocalAws
from tests.local.deploy import DeploymentError
from tests.local.functions import WITH_PACKAGES
from tests.local.waiting import until

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Colour: { Type: String, Default: red }
Globals:
  Function: { CodeUri: ., Runtime: python3.13, Handler: app.handler }
Resources:
  Hat:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: makefile }
    Properties:
      FunctionName: hat
      DurableConfig: { ExecutionTimeout: 3600, RetentionPeriodInDays: 7 }
      AutoPublishAlias: live
      AutoPublishAliasAllProperties: true
      DeadLetterQueue: { Type: SQS, TargetArn: !GetAtt Lost.Arn }
      Environment: { Variables: { COLOUR: !Ref Colour } }
  Cap:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: makefile }
    Properties: { FunctionName: cap }
  CapFirst:
    Type: AWS::Lambda::Version
    Properties: { FunctionName: !Ref Cap }
  CapLive:
    Type: AWS::Lambda::Alias
    Properties: { Name: live, FunctionName: !Ref Cap, FunctionVersion: !GetAtt CapFirst.Version }
  Lost:
    Type: AWS::SQS::Queue
Outputs:
  Colour: { Value: !Ref Colour }
"""
BERET = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {{ CodeUri: ., Runtime: python3.13, Handler: app.handler }}
Resources:
  Beret:
    Type: AWS::Serverless::Function
    Metadata: {{ BuildMethod: makefile }}
    Properties: {{ FunctionName: beret, ReservedConcurrentExecutions: {} }}
"""
MAKEFILE = """
build-%:
\techo 'def handler(event, context): return "$@"' > "$(ARTIFACTS_DIR)/app.py"
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Return a template and the Makefile that builds its functions."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return tmp_path / "template.yaml"


def test_concurrency_is_reserved_as_long_as_a_hundred_are_left_for_all_others(tmp_path: Path) -> None:
    """Source: AWS Lambda developer guide, configuring reserved concurrency."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    template = tmp_path / "template.yaml"
    with LocalAws() as aws:
        template.write_text(BERET.format(900))
        aws.deploy("berets", {}, template)
        reserved = aws.client("lambda").get_function(FunctionName="beret")["Concurrency"]
        assert reserved == {"ReservedConcurrentExecutions": 900}
        template.write_text(BERET.format(901))
        with pytest.raises(DeploymentError, match="below its minimum value of"):
            aws.deploy("berets", {}, template)


def test_a_stack_is_built_created_and_updated_and_an_alias_that_was_moved_stays(
    local_aws: LocalAws, template: Path
) -> None:
    client = local_aws.client("lambda")
    assert local_aws.deploy("hats", {}, template) == {"Colour": "red"}
    hat = client.get_function_configuration(FunctionName="hat", Qualifier="live")
    assert hat["DurableConfig"] == {"ExecutionTimeout": 3600, "RetentionPeriodInDays": 7}
    assert ":hats-Lost" in hat["DeadLetterConfig"]["TargetArn"]
    assert client.invoke(FunctionName="cap", Qualifier="live")["Payload"].read() == b'"build-Cap"'

    client.update_function_configuration(FunctionName="cap", Description="another")
    client.get_waiter("function_updated_v2").wait(FunctionName="cap", WaiterConfig={"Delay": 1})
    client.publish_version(FunctionName="cap")
    client.update_alias(FunctionName="cap", Name="live", FunctionVersion="2")
    (template.parent / "Makefile").write_text(MAKEFILE.replace("$@", "another $@"))
    assert local_aws.deploy("hats", {"Colour": "blue"}, template) == {"Colour": "blue"}
    assert client.get_alias(FunctionName="hat", Name="live")["FunctionVersion"] == "2"
    assert client.get_alias(FunctionName="cap", Name="live")["FunctionVersion"] == "2"


SLEEPS = """
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration
@durable_execution
def handler(event, context):
    context.wait(Duration.from_hours(200))
"""


def test_a_stack_is_deleted_when_the_executions_of_its_functions_have_ended(
    local_aws: LocalAws, template: Path
) -> None:
    """Source: Lambda's state reason DrainingDurableExecutions; aws-controllers-k8s/lambda-controller#208."""
    text = TEMPLATE.replace("FunctionName: hat\n", "FunctionName: hat4\n").replace("cap }", "cap4 }")
    template.write_text(text.replace("{ COLOUR:", f"{{ PYTHONPATH: {WITH_PACKAGES['PYTHONPATH']}, COLOUR:"))
    (template.parent / "app.py").write_text(SLEEPS)
    (template.parent / "Makefile").write_text('build-%: ; cp app.py "$(ARTIFACTS_DIR)/app.py"\n')
    local_aws.deploy("sleeping", {}, template)
    lambda_, cloudformation = local_aws.client("lambda"), local_aws.client("cloudformation")
    lambda_.invoke(FunctionName="hat4", Qualifier="live", InvocationType="Event", Payload="{}")
    until(lambda: lambda_.list_durable_executions_by_function(FunctionName="hat4")["DurableExecutions"])
    cloudformation.delete_stack(StackName="sleeping")
    until(lambda: _status(cloudformation) == "DELETE_IN_PROGRESS")
    assert lambda_.get_function(FunctionName="hat4")
    stop_executions(lambda_, "hat4")
    until(lambda: _status(cloudformation) == "DELETE_COMPLETE")


def _status(cloudformation: Any) -> str:  # noqa: ANN401 - a boto3 client
    found = cloudformation.list_stacks()["StackSummaries"]
    return next(str(one["StackStatus"]) for one in found if one["StackName"] == "sleeping")


def test_a_function_that_cannot_be_built_is_named(local_aws: LocalAws, template: Path) -> None:
    (template.parent / "Makefile").write_text("build-Cap: ; @mkdir -p $(ARTIFACTS_DIR)\n")
    with pytest.raises(DeploymentError, match="build-Hat"):
        local_aws.deploy("unbuildable", {}, template)


def test_a_stack_that_fails_says_which_resource_and_why(local_aws: LocalAws, template: Path) -> None:
    text = TEMPLATE.replace("FunctionName: cap }", "FunctionName: hat2, Layers: [arn:nonsense] }")
    template.write_text(text.replace("FunctionName: hat\n", "FunctionName: hat3\n"))
    with pytest.raises(DeploymentError, match="Cap: "):
        local_aws.deploy("failing", {}, template)
