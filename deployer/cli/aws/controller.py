"""Commands to the controller, which answers them."""

import base64
import getpass
import json
import os
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer.cli.answer import Document
from deployer.cli.aws.session import code_of, sentences
from deployer.cli.aws.stack import Stack
from deployer.cli.exits import unknown
from deployer.model.alias import ADMINISTRATION, needs_administration

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_READING = ("status", "history", "validate")
"""These may be asked again when an answer was lost; another command is sent once."""
_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")
"""Variables in which pipelines name the person who started them."""


class Controller:
    """Takes a stack's commands."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def ask(self, action: str, application: str | None, **fields: object) -> Document:
        """Send a command and return its answer; fields that are None or False are left out."""
        named = {"application": application} if application else {}
        given = {name: value for name, value in fields.items() if value is not None and value is not False}
        return self._invoke({"action": action, **named, **given})

    def _invoke(self, command: Document) -> Document:
        with sentences():
            client = self._reader if command["action"] in _READING else self._writer
            try:
                answer = client.invoke(
                    FunctionName=self._stack.controller,
                    Qualifier=alias_for(command),
                    ClientContext=_who(),
                    Payload=json.dumps(command).encode(),
                )
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException" or "application" not in command:
                    raise
                raise self._stack.unknown_application(command["application"]) from error
            payload = answer["Payload"].read()
        found: Document = json.loads(payload)
        if "FunctionError" not in answer:
            return found
        failure = f"{found.get('errorType', 'an error')}: {found.get('errorMessage', '')}"
        raise unknown("controller", failure, "an answer", "read `dropshift logs --of controller`, then try again")

    @cached_property
    def _reader(self) -> "LambdaClient":
        return self._stack.session.boto.client("lambda", config=self._stack.session.patient)

    @cached_property
    def _writer(self) -> "LambdaClient":
        return self._stack.session.boto.client("lambda", config=self._stack.session.once)


def alias_for(command: Document) -> str:
    """Return the alias of the controller through which a command is granted: docs/operations.md."""
    beyond = needs_administration(command["action"], force=bool(command.get("force")))
    return ADMINISTRATION if beyond else str(command.get("application", ADMINISTRATION))


def _who() -> str:
    """Return the client context, which names the sender of a command."""
    names = (os.environ[name] for name in _ACTORS if os.environ.get(name))
    return base64.b64encode(json.dumps({"custom": {"by": next(names, None) or getpass.getuser()}}).encode()).decode()
