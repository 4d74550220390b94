"""CloudFormation passes on what it drops upstream: a function's DurableConfig and dead letter queue.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from tests.local.upstream import around, needs

type Properties = dict[str, Any]


def lambda_create(
    original: Callable[..., tuple[str, object]], logical_id: str, props: Properties, stack_name: str
) -> tuple[str, object]:
    """Create the function, then add what was left out."""
    name, attributes = original(logical_id, props, stack_name)
    _complete(name, props)
    return name, attributes


def lambda_update(
    original: Callable[..., tuple[str, object]],
    physical_id: str,
    old_props: Properties,
    new_props: Properties,
    stack_name: str,
    logical_id: str | None = None,
) -> tuple[str, object]:
    """Update the function, then add what was left out."""
    name, attributes = original(physical_id, old_props, new_props, stack_name, logical_id)
    _complete(name, new_props)
    return name, attributes


def _complete(name: str, props: Properties) -> None:
    config = lambda_svc._functions[name]["config"]
    if "DurableConfig" in props:
        given = props["DurableConfig"]
        config["DurableConfig"] = {key: value if key == "KMSKeyArn" else int(value) for key, value in given.items()}
    if "DeadLetterConfig" in props:
        config["DeadLetterConfig"] = props["DeadLetterConfig"]


def install() -> None:
    """Complete functions that stacks create and update."""
    needs(lambda_svc, "_functions")
    needs(provisioners, "_RESOURCE_HANDLERS")
    around(provisioners, "_lambda_create", lambda_create)
    around(provisioners, "_lambda_update", lambda_update)
    handlers: Any = provisioners._RESOURCE_HANDLERS
    handlers["AWS::Lambda::Function"] |= {"create": provisioners._lambda_create, "update": provisioners._lambda_update}
