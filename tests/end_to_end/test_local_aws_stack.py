"""The local AWS deploys a SAM template: builds with make, keeps functions durable, leaves moved aliases alone."""

from pathlib import Path

import pytest

from tests.local import LocalAws
from tests.local.deploy import DeploymentError

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
MAKEFILE = """
build-%:
\techo 'def handler(event, context): return "$@"' > "$(ARTIFACTS_DIR)/app.py"
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template and the Makefile that builds its functions."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return tmp_path / "template.yaml"


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


def test_a_function_that_cannot_be_built_is_named(local_aws: LocalAws, template: Path) -> None:
    (template.parent / "Makefile").write_text("build-Cap: ; @mkdir -p $(ARTIFACTS_DIR)\n")
    with pytest.raises(DeploymentError, match="build-Hat"):
        local_aws.deploy("unbuildable", {}, template)


def test_a_stack_that_fails_says_which_resource_and_why(local_aws: LocalAws, template: Path) -> None:
    text = TEMPLATE.replace("FunctionName: cap }", "FunctionName: hat2, Layers: [arn:nonsense] }")
    template.write_text(text.replace("FunctionName: hat\n", "FunctionName: hat3\n"))
    with pytest.raises(DeploymentError, match="Cap: "):
        local_aws.deploy("failing", {}, template)
