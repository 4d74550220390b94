"""The machine of an application's function, for which an archive is inspected before it is dropped."""

from typing import get_args

from botocore.exceptions import ClientError

from deployer.cli.aws.session import code_of, sentences
from deployer.cli.aws.stack import Stack
from deployer.model.function import Architecture, FunctionConfiguration


def configuration(stack: Stack, application: str) -> FunctionConfiguration:
    """Read what an application's function is configured to be; a StopError for an application that is unknown."""
    name = stack.function(application)
    with sentences():
        client = stack.session.boto.client("lambda", config=stack.session.patient)
        try:
            found = client.get_function_configuration(FunctionName=name)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            raise stack.unknown_application(application) from error
    (architecture,) = found.get("Architectures") or ["x86_64"]
    known = [one for one in get_args(Architecture) if one == architecture]
    return FunctionConfiguration(
        name=name,
        runtime=found.get("Runtime", ""),
        architecture=known[0],
        memory=found.get("MemorySize", 128),
        timeout=found.get("Timeout", 3),
        ephemeral_storage=found.get("EphemeralStorage", {}).get("Size", 512),
        snap_start=found.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions",
        layers=tuple(layer.get("Arn", "") for layer in found.get("Layers", ())),
    )
