"""The parts of a deployed stack, found by its outputs."""

import difflib
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer.cli.aws.session import Session, sentences
from deployer.cli.exits import StopError, refusal, unknown
from deployer.model.alias import ADMINISTRATION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

_A_STACK = "a stack of Dropshift"
_NAME_IT = "name yours by --stack or DROPSHIFT_STACK, set AWS_REGION, or deploy one (`make deploy`)"


class Stack:
    """One Dropshift in an account."""

    def __init__(self, session: Session, name: str) -> None:
        self.session = session
        self.name = name

    @property
    def controller(self) -> str:
        """The function that takes commands."""
        return self._output("Controller")

    @property
    def rollout(self) -> str:
        """The function that runs rollouts."""
        return self._output("Rollout")

    @property
    def releases_bucket(self) -> str:
        """The bucket for drops."""
        return self._output("ReleasesBucket")

    @property
    def applications(self) -> tuple[str, ...]:
        """The names of its applications: each has an alias of the controller."""
        with sentences():
            client = self.session.boto.client("lambda", config=self.session.patient)
            pages = client.get_paginator("list_aliases").paginate(FunctionName=self.controller)
            names = [alias.get("Name", "") for page in pages for alias in page["Aliases"]]
        return tuple(name for name in names if name != ADMINISTRATION)

    @property
    def writes_once(self) -> bool:
        """True if a key of the releases bucket can be written only once."""
        given = self._described_by_aws.get("Parameters", ())
        return any(
            one.get("ParameterKey") == "WriteOnceReleases" and one.get("ParameterValue") == "true" for one in given
        )

    def function(self, application: str) -> str:
        """Return the function of an application."""
        return self._output("FunctionPrefix") + application

    def unknown_application(self, name: str) -> StopError:
        """Return the refusal of an application that the stack does not have."""
        try:
            known = self.applications
        except StopError:  # a person who may command one application may be unable to list all
            known = ()
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f'did you mean "{near[0]}"?' if near else f"make application APPLICATION={name} adds it"
        allowed = ", ".join(known) or "an application of the stack"
        return refusal("application", f'the unknown application "{name}"', allowed, remedy)

    def _output(self, name: str) -> str:
        for output in self._described_by_aws.get("Outputs", ()):
            if output.get("OutputKey") == name:
                return output.get("OutputValue", "")
        found = f"{self.name} at {self.session.place} has no output {name}"
        raise unknown("stack", found, _A_STACK, f"deploy it anew from this version, or {_NAME_IT}")

    @cached_property
    def _described_by_aws(self) -> "StackTypeDef":
        with sentences():
            client = self.session.boto.client("cloudformation", config=self.session.patient)
            try:
                return client.describe_stacks(StackName=self.name)["Stacks"][0]
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise
        raise unknown("stack", f"there is no {self.name} at {self.session.place}", _A_STACK, _NAME_IT)
